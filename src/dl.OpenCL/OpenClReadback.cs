// Reads that do not wait: the copy is a command of the queue like any other, and its event tells
// when it is done. What was enqueued behind it goes on meanwhile.
using System.Runtime.InteropServices;
using Dl.OpenCl.Native;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    protected override Readback AllocateReadback(int capacity) => new QueuedRead(this, capacity);

    private sealed class QueuedRead : Readback
    {
        private readonly OpenClDevice _device;
        private float* _values;
        private nint _done;
        private int _staged;

        public QueuedRead(OpenClDevice device, int capacity)
            : base(capacity)
        {
            _device = device;
            _values = (float*)NativeMemory.AlignedAlloc(
                (nuint)Math.Max(1, capacity) * sizeof(float), Staging.Alignment);
        }

        public override ReadOnlySpan<float> Wait()
        {
            if (_done != 0)
            {
                nint done = _done;
                Cl.Check(Cl.clWaitForEvents(1, &done), "clWaitForEvents", _device.Name);
                Release();
                _device._staging.ReuseUnlessAbove(_staged);
            }
            return new ReadOnlySpan<float>(_values, Count);
        }

        public override void Dispose()
        {
            if (_values == null)
            {
                return;
            }
            Wait();
            NativeMemory.AlignedFree(_values);
            _values = null;
        }

        protected override void Begin(Storage source)
        {
            Wait();
            if (Count == 0)
            {
                return;
            }
            nint done;
            Cl.Check(
                Cl.clEnqueueReadBuffer(
                    _device._queue, ((OpenClStorage)source).Handle, 0, 0,
                    (nuint)Count * sizeof(float), _values, 0, null, &done),
                "clEnqueueReadBuffer", _device.Name);
            _done = done;
            _staged = _device._staging.Used;
        }

        private void Release()
        {
            Cl.Check(Cl.clReleaseEvent(_done), "clReleaseEvent", _device.Name);
            _done = 0;
        }
    }
}
