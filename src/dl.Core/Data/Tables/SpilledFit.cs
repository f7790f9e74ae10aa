// TableFit for tables on disk: all columns learn in one pass over the blocks, and those that may be
// long-tailed in another one. Means and deviations are as exact as those of TableFit; medians are
// exact up to some 100,000 values and near beyond (Storage/ThinnedSample.cs).
using System.Buffers;
using Dl.Data.Tables.Storage;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Learns from chosen rows of a spilled table.</summary>
internal sealed class SpilledFit
{
    /// <summary>Numbers kept for the medians of all columns: 64 MiB.</summary>
    private const int SharedRoom = 8 << 20;

    private readonly BlockStore _store;
    private readonly int[] _rows;
    private readonly Learner[] _learners;

    /// <param name="rows">Ascending.</param>
    public SpilledFit(BlockStore store, RawColumn[] inputs, int[] rows)
    {
        (_store, _rows) = (store, rows);
        int share = SharedRoom / Math.Max(1, inputs.Length);
        int room = 1 << Math.Clamp((int)Math.Log2(Math.Max(1, share)), 11, 18);
        _learners = Array.ConvertAll(inputs, column => new Learner(column, room));
    }

    /// <summary>The encodings of the columns that are of use.</summary>
    public List<FeatureColumn> Fit(ILogger? log)
    {
        Pass(_learners, (learner, cells) => learner.Add(cells));
        Learner[] tails = Array.FindAll(_learners, learner => learner.MayBeLongTailed);
        if (tails.Length > 0)
        {
            Pass(tails, (learner, cells) => learner.AddLogarithms(cells));
        }
        var columns = new List<FeatureColumn>(_learners.Length);
        foreach (Learner learner in _learners)
        {
            if (learner.Result(_rows.Length, log) is FeatureColumn column)
            {
                columns.Add(column);
            }
        }
        return columns;
    }

    /// <summary>Mean and deviation of numbers that no row lacks.</summary>
    public static (double Mean, double Std) Moments(BlockStore store, RawColumn column, int[] rows)
    {
        var learner = new Learner(column, room: 2);
        new SpilledFit(store, [], rows).Pass([learner], (l, cells) => l.Add(cells));
        return learner.Moments;
    }

    /// <summary>Shows the chosen rows of every block to every learner.</summary>
    private void Pass(Learner[] learners, Action<Learner, Span<double>> show)
    {
        int from = 0;
        for (int block = 0; block < _store.Blocks && from < _rows.Length; block++)
        {
            int first = _store.FirstRow(block), rows = _store.RowsOf(block);
            int found = Array.BinarySearch(_rows, from, _rows.Length - from, first + rows);
            int to = found < 0 ? ~found : found;
            if (to == from)
            {
                continue;
            }
            byte[] bytes = _store.Rent(block);
            // Columns know nothing of each other, so threads change no result.
            int start = from, number = block;
            Parallel.ForEach(learners, learner =>
            {
                double[] buffer = ArrayPool<double>.Shared.Rent(rows);
                Span<double> cells = buffer.AsSpan(0, rows);
                _store.Decode(bytes, number, learner.Column.Spilled!.Index, 0, cells);
                for (int i = start; i < to; i++)
                {
                    // Ascending, so no cell is overwritten before it is read.
                    cells[i - start] = cells[_rows[i] - first];
                }
                cells = cells[..(to - start)];
                learner.Column.Spilled.Resolve(cells, learner.Column.IsText);
                show(learner, cells);
                ArrayPool<double>.Shared.Return(buffer);
            });
            BlockStore.Return(bytes);
            from = to;
        }
    }

    /// <summary>What is learnt of one column.</summary>
    private sealed class Learner(RawColumn column, int room)
    {
        private readonly ThinnedSample _sample = new(room);
        private readonly int[] _counts = new int[column.Texts.Count];
        private RunningMoments _moments;
        private RunningMoments _logarithms;
        private double _least = double.PositiveInfinity;
        private int _present;

        public RawColumn Column => column;

        public (double Mean, double Std) Moments => _moments.With(0, 0);

        public bool MayBeLongTailed => !column.IsText && !column.IsDate && _present > 0
            && _least >= 0 && TableFit.MayBeLongTailed(_moments.Skewness);

        /// <param name="cells">Numbers or codes; changed.</param>
        public void Add(Span<double> cells)
        {
            if (column.IsText)
            {
                Count(cells);
                return;
            }
            Span<double> values = Present(cells);
            _present += values.Length;
            foreach (double value in values)
            {
                _least = Math.Min(_least, value);
            }
            _moments.Add(values);
            _sample.Add(values);
        }

        public void AddLogarithms(Span<double> cells)
        {
            Span<double> values = Present(cells);
            foreach (ref double value in values)
            {
                value = TableEncoder.Log(value);
            }
            _logarithms.Add(values);
        }

        public FeatureColumn? Result(int rows, ILogger? log)
        {
            if (column.IsText)
            {
                return TableFit.Category(column, _counts, _present, log);
            }
            if (_present == 0)
            {
                log?.LogInformation("column '{Name}': no values, left out", column.Name);
                return null;
            }
            bool logarithm = MayBeLongTailed
                && TableFit.IsLongTailed(_moments.Skewness, _logarithms.Skewness);
            double median = _sample.Median();
            int gaps = rows - _present;
            (double mean, double std) = logarithm
                ? _logarithms.With(gaps, TableEncoder.Log(median))
                : _moments.With(gaps, median);
            return TableFit.Number(column, logarithm, mean, std, median, gaps > 0);
        }

        private void Count(ReadOnlySpan<double> codes)
        {
            foreach (double code in codes)
            {
                if (code >= 0)
                {
                    _counts[(int)code]++;
                }
                _present += code != RawColumn.MissingCode ? 1 : 0;
            }
        }

        private static Span<double> Present(Span<double> cells)
        {
            int count = 0;
            foreach (double cell in cells)
            {
                cells[count] = cell;
                count += double.IsNaN(cell) ? 0 : 1;
            }
            return cells[..count];
        }
    }
}
