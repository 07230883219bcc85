"""How are batch transform jobs and tables read? As if the recorder had captured them."""
