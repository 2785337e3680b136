using Xunit;

// The tests count the open files of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
