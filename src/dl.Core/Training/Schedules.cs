// How the learning rate runs over a training, by name: a factor on the base rate as a function of
// progress t, the share of all steps that is done.
//   constant  1
//   cosine    (1 + cos(pi t)) / 2, from the base rate to 0 (Loshchilov and Hutter 2017, one period)
namespace Dl.Training;

/// <summary>A named schedule; <c>Factor(t)</c> for t in [0, 1).</summary>
public sealed record Schedule(string Name, string Description, Func<double, double> Factor);

public static class Schedules
{
    /// <summary>Every schedule, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Schedule> All { get; } =
    [
        new("constant", "the same rate throughout", _ => 1),
        new("cosine", "half a cosine from the rate down to 0",
            t => (1 + Math.Cos(Math.PI * t)) / 2),
    ];

    /// <exception cref="UsageException">No schedule has this name.</exception>
    public static Schedule Find(string name)
    {
        foreach (var schedule in All)
        {
            if (schedule.Name == name)
            {
                return schedule;
            }
        }
        throw new UsageException(Nearest.Unknown("schedule", name, All.Select(s => s.Name)));
    }
}
