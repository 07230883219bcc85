"""What has happened? An SQL index of what the store holds; rebuilt from it at any time."""
