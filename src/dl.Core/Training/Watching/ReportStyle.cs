namespace Dl.Training.Watching;

/// <summary>The page's style sheet. Colours after Okabe and Ito, for every kind of eyes.</summary>
internal static class ReportStyle
{
    public const string Css = """

        :root { color-scheme: light dark; --ink: #222; --faint: #ddd; --soft: #667; --page: #fff;
          --train: #0072b2; --val: #d55e00; --best: #00825f; --card: #f6f7f9; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e8e8ea; --faint: #3a3d44;
          --soft: #9aa0aa; --page: #16181c; --train: #56b4e9; --val: #f0883e; --best: #2fbf8f;
          --card: #1f2228; } }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
        h2 { font-size: 18px; margin: 40px 0 8px; }
        .lead, .legend, figcaption, small { color: var(--soft); }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: 3px 18px 3px 0; border-bottom: 1px solid var(--faint);
          vertical-align: middle; overflow-wrap: anywhere; }
        th { font-weight: 600; } .n { text-align: right; white-space: nowrap; }
        pre { background: var(--card); padding: 12px; overflow-x: auto; white-space: pre-wrap; }
        figure { margin: 0; } svg { max-width: 100%; height: auto; }
        .charts { display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start; }
        .legend i { display: inline-block; width: 22px; height: 0; border-top: 3px solid;
          margin: 0 6px 4px 12px; } .legend i:first-child { margin-left: 0; }
        i.train { color: var(--train); } i.val { color: var(--val); }
        i.best { color: var(--best); border-top-style: dashed !important; }
        .names { max-width: 420px; } .names span { display: inline-block; margin-right: 10px; }
        .names i { margin-left: 0; border-top-color: var(--c); }
        .worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(118px, 1fr));
          gap: 14px; } .worst img { width: 112px; image-rendering: pixelated;
          background: var(--card); } .worst figcaption { font-size: 12px; line-height: 1.35;
          overflow-wrap: anywhere; }
        .label { fill: var(--soft); font-size: 12px; } .strong { fill: var(--ink);
          font-weight: 600; } .small { font-size: 10px; } .over { fill: #fff; }
        .grid { stroke: var(--faint); } .axis { stroke: var(--soft); }
        .best { stroke: var(--best); stroke-dasharray: 5 4; fill: none; }
        .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .curve.train { stroke: var(--train); } .curve.val { stroke: var(--val); }
        .dot { stroke: none; } .dot.train { fill: var(--train); } .dot.val { fill: var(--val); }
        .thin { fill-opacity: 0.45; } .bar.train { fill: var(--train); }
        .bar.val { fill: var(--val); } .cell.empty { fill: var(--card); }
        .cell.good { fill: var(--train); } .cell.bad { fill: var(--val); }
        .cell.share { fill: var(--soft); }
        .c0 { --c: #0072b2; } .c1 { --c: #d55e00; } .c2 { --c: #009e73; } .c3 { --c: #cc79a7; }
        .c4 { --c: #e69f00; } .c5 { --c: #56b4e9; } .c6 { --c: #999; } .c7 { --c: #b8a900; }
        polyline[class*=" c"] { stroke: var(--c); } circle[class*=" c"] { fill: var(--c); }

        """;
}
