// `--boundary FILE.png`: how a classifier of two numbers divides the plane, at stages of its
// training. Each panel is one epoch: a colour for each label, paler where the model is less sure,
// with samples of the training data on top. Epochs are looked at in steps that grow with their
// number, as training changes most at its beginning.
using System.Globalization;
using Dl.Data;
using Dl.Data.Images;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training.Watching;

/// <summary>Keeps the model's map of the plane at some epochs, and draws them.</summary>
internal sealed class Boundary : ITrainingObserver
{
    private const int Grid = 120;
    private const int Panels = 6;
    private const int PerRow = 3;
    private const int MostSamples = 400;

    private readonly LearningTask _task;
    private readonly List<(EpochRecord Record, float[] Map)> _stages = [];
    private readonly (float X, float Y, int Label)[] _samples;
    private readonly float _left, _right, _bottom, _top;
    private (EpochRecord Record, float[] Map) _last;

    /// <exception cref="UsageException">The data are no two numbers with labels.</exception>
    public Boundary(LearningTask task, DataSplits data)
    {
        _task = task;
        if (data.Preprocessing is not TablePreprocessing
            {
                Columns: [{ Kind: ColumnKind.Number }, { Kind: ColumnKind.Number }],
            }
            || data.Train.FeatureShape.Count != 2 || task.Target.Kind != TargetKind.Classes)
        {
            throw new UsageException(
                "--boundary: needs a table with two columns of numbers, none missing, and a column "
                + "of labels; leave others out with --ignore");
        }
        _samples = Sample(data.Train);
        (_left, _right) = Range(s => s.X);
        (_bottom, _top) = Range(s => s.Y);
    }

    public void EpochEnded(Model model, EpochRecord record)
    {
        _last = (record, Map(model));
        // Epochs 1, 2, 3, 5, 8, 12, 18, ...: half as many again each time.
        if (_stages.Count == 0 || record.Epoch >= _stages[^1].Record.Epoch * 1.4)
        {
            _stages.Add(_last);
        }
    }

    /// <summary>Writes the picture, atomically.</summary>
    /// <exception cref="DlException">It cannot be written.</exception>
    public void Write(string path)
    {
        if (_last.Map is null)
        {
            return;
        }
        byte[] png = PngWriter.Encode(Draw());
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    private Image Draw()
    {
        const int Size = 330, Gap = 26, Title = 40;
        var shown = Choose();
        int rows = (shown.Count + PerRow - 1) / PerRow, columns = Math.Min(PerRow, shown.Count);
        var canvas = new CurvesCanvas(
            (columns * (Size + Gap)) + Gap, (rows * (Size + Title)) + Gap + 10);
        for (int i = 0; i < shown.Count; i++)
        {
            int x = Gap + (i % PerRow * (Size + Gap)), y = Title + (i / PerRow * (Size + Title));
            var (record, map) = shown[i];
            string value = (record.ValMetric ?? record.TrainMetric)?.ToString(
                "0.000", CultureInfo.InvariantCulture) ?? "";
            canvas.Text(
                $"epoch {record.Epoch}   {_task.Metrics[0].Name} {value}", x, y - 12, 10,
                new Rgb(40, 40, 40));
            Panel(canvas, x, y, Size, map);
        }
        return canvas.ToImage();
    }

    private void Panel(CurvesCanvas canvas, int left, int top, int size, float[] map)
    {
        int labels = _task.Target.Width;
        for (int py = 0; py < size; py++)
        {
            for (int px = 0; px < size; px++)
            {
                int cell = (py * Grid / size * Grid) + (px * Grid / size);
                canvas.Pixel(left + px, top + py, Shade(map.AsSpan(cell * labels, labels)));
            }
        }
        foreach (var (x, y, label) in _samples)
        {
            float cx = left + ((x - _left) / (_right - _left) * size);
            float cy = top + ((_top - y) / (_top - _bottom) * size);
            canvas.Dot(cx, cy, 3.2f, new Rgb(255, 255, 255));
            canvas.Dot(cx, cy, 2.4f, Palette.Of(label));
        }
    }

    /// <summary>The likeliest label's colour, white where the model cannot decide.</summary>
    private static Rgb Shade(ReadOnlySpan<float> probabilities)
    {
        int best = Links.ArgMax(probabilities);
        float chance = 1f / probabilities.Length;
        float sure = Math.Clamp((probabilities[best] - chance) / (1 - chance), 0, 1) * 0.55f;
        var color = Palette.Of(best);
        return new Rgb(Mix(color.Red, sure), Mix(color.Green, sure), Mix(color.Blue, sure));
    }

    private static byte Mix(byte color, float share) =>
        (byte)MathF.Round(255 + ((color - 255) * share));

    /// <summary>Evenly over the stages, the first and the last among them.</summary>
    private List<(EpochRecord Record, float[] Map)> Choose()
    {
        var all = new List<(EpochRecord Record, float[] Map)>(_stages);
        if (all[^1].Record.Epoch != _last.Record.Epoch)
        {
            all.Add(_last);
        }
        int count = Math.Min(Panels, all.Count);
        var chosen = new List<(EpochRecord, float[])>();
        for (int i = 0; i < count; i++)
        {
            chosen.Add(all[count == 1 ? 0 : (int)Math.Round(i * (all.Count - 1.0) / (count - 1))]);
        }
        return chosen;
    }

    /// <summary>Probabilities of the labels at each point of the grid, rows from the top.</summary>
    private float[] Map(Model model)
    {
        int labels = _task.Target.Width, outputs = _task.Outputs;
        var points = new float[Grid * Grid * 2];
        for (int i = 0; i < Grid * Grid; i++)
        {
            points[2 * i] = _left + ((_right - _left) * ((i % Grid) + 0.5f) / Grid);
            points[(2 * i) + 1] = _top - ((_top - _bottom) * ((i / Grid) + 0.5f) / Grid);
        }
        using var tape = new Tape(model.Device, recording: false);
        var output = model.Forward(
            new Pass(tape, false, new Rng(0)), tape.Input(new Shape(Grid * Grid, 2), points));
        var raw = output.ToArray();
        var map = new float[Grid * Grid * labels];
        for (int i = 0; i < Grid * Grid; i++)
        {
            _task.Interpret(raw.AsSpan(i * outputs, outputs), map.AsSpan(i * labels, labels));
        }
        return map;
    }

    private static (float, float, int)[] Sample(IDataset data)
    {
        var samples = new (float, float, int)[Math.Min(MostSamples, data.Count)];
        var (features, target) = (new float[2], new float[1]);
        for (int i = 0; i < samples.Length; i++)
        {
            data.Read((int)((long)i * data.Count / samples.Length), features, target);
            samples[i] = (features[0], features[1], (int)target[0]);
        }
        return samples;
    }

    private (float Low, float High) Range(Func<(float X, float Y, int Label), float> value)
    {
        (float low, float high) = (_samples.Min(value), _samples.Max(value));
        float room = high > low ? (high - low) * 0.12f : 1;
        return (low - room, high + room);
    }
}
