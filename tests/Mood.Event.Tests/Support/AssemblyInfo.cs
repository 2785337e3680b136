using Xunit;

// Signals, children, fds and the default loop belong to the process, so only one test runs at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
