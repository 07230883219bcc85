// What makes the pages nicer; each page works without it.
"use strict";

// A choice in a filter counts at once.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
}
