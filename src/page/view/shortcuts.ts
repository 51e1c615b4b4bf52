/** What keys do. */
export const shortcuts: readonly (readonly [string, string])[] = [
  ['/', 'goes to the query'],
  ['j k', 'next and previous experiment'],
  ['← → ↑ ↓', 'next mark of a figure'],
  ['Enter', 'opens a mark'],
  ['c', 'copies the command that runs the open cell again'],
  ['p', 'pins the open cell beside others'],
  ['t', 'light, dark, or as the system has it'],
  ['?', 'shows these keys'],
  ['Esc', 'closes what is open'],
];
