using System;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The names under which events are printed.</summary>
public sealed class EventsTests
{
    [Fact]
    public void Io_is_another_name_of_Read() => Assert.Equal(Events.Read, Events.Io);

    [Fact]
    public void Read_is_printed_as_Read()
    {
        Assert.Equal("Read", $"{Events.Read}");
        Assert.Equal("Read, Write", $"{Events.Read | Events.Write}");
        Assert.Equal("Read, Timer", $"{Events.Read | Events.Timer}");
    }

    [Fact]
    public void Every_other_event_is_printed_as_its_own_name() =>
        Assert.All(Enum.GetNames<Events>().Except([nameof(Events.Io)]), name => Assert.Equal(name, $"{Enum.Parse<Events>(name)}"));
}
