return Dl.Cli.CliApp.Run(args);
