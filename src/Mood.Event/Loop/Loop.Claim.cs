using System.Collections.Generic;

namespace Mood.Event;

/// <content>What the members in Loop.Claims.cs return.</content>
public sealed partial class Loop
{
    /// <summary>A thread's right to use a loop, given back by Dispose.</summary>
    internal readonly ref struct Claim
    {
        // the loop to release; null: the thread had the loop already
        private readonly Loop? _loop;

        // further loops to release, each of which is around the next one, or null
        private readonly List<Loop>? _others;

        // whether the claim is for an Invoke in the Callback of another thread
        private readonly bool _isInvoke;

        internal Claim(Loop? loop, List<Loop>? others = null, bool isInvoke = false) => (_loop, _others, _isInvoke) = (loop, others, isInvoke);

        public void Dispose()
        {
            if (_loop is null)
            {
                return;
            }

            for (int i = (_others?.Count ?? 0) - 1; i >= 0; i--)
            {
                _others![i]._ownership.Release();
            }

            if (_isInvoke)
            {
                LoopOwnership.LeaveInvoke();
            }

            _loop._ownership.Release();
        }
    }
}
