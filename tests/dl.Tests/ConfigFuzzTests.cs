// The configuration file, the parser that belongs to the program, under damaged inputs.
using System.Text;
using Dl.Cli.Commands;
using Dl.Cli.Options;
using Dl.Tests.Fuzzing;

namespace Dl.Tests;

public sealed class ConfigFuzzTests : IDisposable
{
    private readonly Workplace _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void Configurations()
    {
        string path = Path.Combine(_place.Folder, "c.json");
        string[] good =
        [
            """
            {
              // comments and a comma at the end are fine
              "model": "cnn", "epochs": 12, "lr": "0.5", "seed": 7, "target": "x,y",
              "data": ["train.csv"], "grayscale": true, "val": null,
            }
            """,
            """{"split": [0.8, 0.1, 0.1], "time": "10m", "ignore": ["a", "b"]}""",
        ];
        FuzzRun.Check(new FuzzTarget(
            "config", [.. good.Select(Encoding.UTF8.GetBytes)],
            bytes =>
            {
                File.WriteAllBytes(path, bytes);
                ConfigFile.Apply(path, new Values(FitCommand.Spec, []));
            },
            2000, 1 << 20)
        {
            Tokens = [.. new[]
            {
                "null", "true", "[]", "{}", "\"\"", "-1", "1e999", "[", "{", "}", ",", "\"",
                "\\ud800", "\\u0000", "\"epochs\":", "\"lr\":", "\"split\":", "\"time\":",
            }.Select(Encoding.UTF8.GetBytes)],
            Rewrite = random => Encoding.UTF8.GetBytes(
                JsonDamage.Mutate(good[random.Next(good.Length)], random)),
        });
    }
}
