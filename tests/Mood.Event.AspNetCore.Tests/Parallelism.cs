using Xunit;

// Only one test runs at a time, because tests count the open files of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
