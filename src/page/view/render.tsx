import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { titleOf } from '../../report/model/wording.ts';
import { visible, visibleLines } from '../../text/visible.ts';
import type { ComparisonInput } from '../comparison.ts';
import { dataPlace, type PageInput } from '../parts.ts';
import { ComparisonPage } from './comparison.tsx';
import { Page } from './page.tsx';

/** No text in a script element may close it. */
const inScript = (text: string): string => text.replaceAll('</', '<\\/').replaceAll('<!--', '<\\!--');

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Before anything is drawn: the colours that the reader chose, and that a script runs. */
const first = `document.documentElement.classList.add('has-js');try{const t=localStorage.getItem('lingerlab-theme');if(t)document.documentElement.dataset.theme=t}catch{}`;

/** A run's page, as one file that needs nothing else. */
export const render = ({ report, guide, style, script }: PageInput): string =>
  fileOf(titleOf(report), <Page report={report} guide={guide} />, { style, script });

/** A comparison's page, in the same way. */
export const renderComparison = (input: ComparisonInput): string =>
  fileOf(`${input.columns.length} runs compared`, <ComparisonPage {...input} />, input);

function fileOf(title: string, body: VNode, { style, script }: Pick<PageInput, 'style' | 'script'>): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline';img-src data:">`,
    `<title>${visible(escaped(title))} · lingerlab</title>`,
    `<style>${style}</style>`,
    `<script>${first}</script>`,
    '</head>',
    `<body>${visibleLines(renderToString(body))}`,
    `<script type="text/plain" id="_data">${dataPlace}</script>`,
    `<script>${inScript(script)}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
