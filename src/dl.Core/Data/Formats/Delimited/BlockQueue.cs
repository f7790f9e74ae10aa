// Blocks in the order of the file, cut while the one before is used. Reading is one task after the
// other; cutting, which takes most of the time, is done on whatever processors are free. That a
// block begins with a row is a guess, wrong where a quoted cell goes on from the block before: such
// a block is put behind what is left of the other, and cut again.
namespace Dl.Data.Formats.Delimited;

/// <summary>Reads and cuts ahead.</summary>
/// <param name="feed">Where the text comes from.</param>
/// <param name="name">File name for messages.</param>
/// <param name="dialect">How it is written.</param>
/// <param name="ahead">Blocks that are read ahead; 0: everything is done when it is asked for.
/// </param>
internal sealed class BlockQueue(BlockFeed feed, string name, Dialect dialect, int ahead)
    : IDisposable
{
    private const int MaxField = 1 << 24;

    private readonly Queue<Task<DelimitedBlock?>> _coming = [];
    private readonly Stack<DelimitedBlock> _free = [];
    private Task<DelimitedBlock?>? _reading;

    /// <summary>Blocks get their numbers, too.</summary>
    public bool WantsNumbers { get; set; }

    /// <summary>The block behind one; null at the end.</summary>
    /// <param name="used">Is used again.</param>
    /// <exception cref="DataException">
    /// A cell is absurdly long: a quote is not closed. Or the rest of the file cannot be read.
    /// </exception>
    public DelimitedBlock? Next(DelimitedBlock used)
    {
        if (used.IsLast)
        {
            return null;
        }
        DelimitedBlock? next = Take();
        if (used.Consumed < used.Length)
        {
            next = Join(used, next);
        }
        if (next is null)
        {
            return null;
        }
        next.LinesBefore = used.LinesBefore + used.Lines;
        _free.Push(used);
        int bad = next.FindLongCell(MaxField);
        return bad < 0 ? next : throw TooLong(next.LineOf(bad));
    }

    /// <summary>Waits for what is being read and cut.</summary>
    public void Dispose()
    {
        try
        {
            Task.WaitAll([.. _coming]);
        }
        catch (AggregateException)
        {
            // What is wrong with a block that nobody wants is nobody's business.
        }
        _coming.Clear();
    }

    private DelimitedBlock? Take()
    {
        if (ahead == 0)
        {
            DelimitedBlock block = Spare();
            return feed.Fill(block) ? Prepare(block) : null;
        }
        while (_coming.Count <= ahead)
        {
            _reading = Read(_reading, Spare());
            _coming.Enqueue(Prepare(_reading));
        }
        return _coming.Dequeue().GetAwaiter().GetResult();
    }

    private async Task<DelimitedBlock?> Read(Task? before, DelimitedBlock block)
    {
        if (before is not null)
        {
            await before.ConfigureAwait(false);
        }
        return await Task.Run(() => feed.Fill(block) ? block : null).ConfigureAwait(false);
    }

    private async Task<DelimitedBlock?> Prepare(Task<DelimitedBlock?> reading) =>
        await reading.ConfigureAwait(false) is { } block
            ? await Task.Run(() => Prepare(block)).ConfigureAwait(false)
            : null;

    private DelimitedBlock Prepare(DelimitedBlock block)
    {
        RowCutter.Cut(block, dialect);
        if (WantsNumbers)
        {
            block.ReadNumbers();
        }
        return block;
    }

    /// <summary>What is left of a block, and the next one, if there is one, behind it.</summary>
    private DelimitedBlock Join(DelimitedBlock used, DelimitedBlock? next)
    {
        ReadOnlySpan<byte> left = used.Bytes.AsSpan(used.Consumed, used.Length - used.Consumed);
        if (left.Length > MaxField)
        {
            throw TooLong(used.LinesBefore + used.Lines + 1);
        }
        ReadOnlySpan<byte> more = next is null ? default : next.Bytes.AsSpan(0, next.Length);
        DelimitedBlock whole = Spare();
        byte[] bytes = whole.Reserve(checked(left.Length + more.Length));
        left.CopyTo(bytes);
        more.CopyTo(bytes.AsSpan(left.Length));
        whole.Take(left.Length + more.Length, next?.IsLast ?? true, followsReturn: false);
        if (next is not null)
        {
            _free.Push(next);
        }
        return Prepare(whole);
    }

    private DelimitedBlock Spare() =>
        _free.TryPop(out DelimitedBlock? block) ? block : new DelimitedBlock(name);

    private DataException TooLong(int line) => new(
        $"{name}:{line}: a field is longer than {MaxField} bytes; is a quote not closed?");
}
