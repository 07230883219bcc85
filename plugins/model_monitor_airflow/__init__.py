"""What does Airflow need to run a verb, and to show it?"""
