import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shownInJson, visible, visibleJson, visibleLines, visibleStyled } from '../../src/text/visible.ts';

const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('characters that act on a terminal or reorder text are written as escapes', () => {
  expect(visible('a\u001b[31mb\rc\u009bd\u202ee\u{e0001}')).toBe('a\\u001b[31mb\\u000dc\\u009bd\\u202ee\\u{e0001}');
  expect(visibleLines('one\ntwo\u001b')).toBe('one\ntwo\\u001b');
  expect(visible('→ ü 漢')).toBe('→ ü 漢');
});

test('styles stay where a text has them, and nothing else does', () => {
  expect(visibleStyled('\u001b[31mred\u001b[39m\u001b[2J\u0007')).toBe('\u001b[31mred\u001b[39m\\u001b[2J\\u0007');
});

test('no text and no JSON keeps such a character, and JSON keeps its meaning', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(unseen);
      expect(visibleJson({ [text]: text })).not.toMatch(unseen);
      expect(JSON.parse(visibleJson([text]))).toEqual([text]);
    }),
  );
});

test('JSON whose strings show such characters is read as what shows them', () => {
  const text = 'a\u001b[2J\t\u009b\u202e \\u001b \\\\t "é"';
  expect(JSON.parse(shownInJson(JSON.stringify({ text, lines: 'one\ntwo' })))).toEqual({
    text: 'a\\u001b[2J\\u0009\\u009b\\u202e \\u001b \\\\t "é"',
    lines: 'one\ntwo',
  });
});
