"""What tests, benchmarks, chaos and evaluations share: services, scripted models, an Inngest, clients, a browser."""
