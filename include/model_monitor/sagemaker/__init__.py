"""How do we speak SageMaker? Its analysis configurations, and its schedules."""
