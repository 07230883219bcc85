"""The dashboard inside Airflow: its pages for those whom Airflow's auth manager lets see them."""
