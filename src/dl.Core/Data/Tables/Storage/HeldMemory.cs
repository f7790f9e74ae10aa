// The runtime keeps what was freed, for the next who asks. Where hundreds of megabytes were needed
// for a moment and will not be again, that is too much to keep.
namespace Dl.Data.Tables.Storage;

/// <summary>Gives freed memory back to the system.</summary>
internal static class HeldMemory
{
    /// <summary>Takes some milliseconds: call it once where much was freed.</summary>
    public static void GiveBack() => GC.Collect(
        GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
