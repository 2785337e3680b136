using Xunit;

// signals, children, fds and the default loop belong to the process: one test at a time
[assembly: CollectionBehavior(DisableTestParallelization = true)]
