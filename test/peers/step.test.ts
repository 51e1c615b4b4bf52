import { describe, expect, test } from 'vitest';
import { LingerlabError } from '../../src/errors.ts';
import { refused as answerOf, succeeded } from '../../src/experiment/answer.ts';
import type { Answer } from '../../src/experiment/handles.ts';
import { makeSteps } from '../../src/peers/step.ts';

const given = (value: number): Promise<Answer<number>> => Promise.resolve(succeeded(value, 5));
const refusal = answerOf({ errno: 'EADDRINUSE', syscall: 'bind' }, 7);
const refused = (): Promise<Answer<number>> => Promise.resolve(refusal);
const failed = (): Promise<Answer<number>> =>
  Promise.reject(new LingerlabError('PEER_DIED', 'peer server ended: SIGKILL', 'look'));
/** Lets everything that is settled be told. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('awaiting a step', () => {
  test('gives its value', async () => {
    expect(await makeSteps().take('client.write', given(3))).toBe(3);
  });

  test('that the kernel refused rejects with what was refused and why', async () => {
    const step = makeSteps().take('server.listen', refused());
    await expect(step).rejects.toMatchObject({
      code: 'STEP_REFUSED',
      message: 'server.listen was refused: bind EADDRINUSE',
    });
    await expect(step).rejects.toBeInstanceOf(LingerlabError);
  });

  test.each([
    ['setsockopt', 'ENOPROTOOPT', 'KERNEL_LACKS'],
    ['SOCK_DESTROY', 'EOPNOTSUPP', 'KERNEL_LACKS'],
    ['setsockopt', 'EINVAL', 'STEP_REFUSED'],
    ['listen', 'EOPNOTSUPP', 'STEP_REFUSED'],
    ['connect', 'ENOPROTOOPT', 'STEP_REFUSED'],
  ])(
    'refused by %s with %s is %s: only some refusals say that the kernel lacks what was asked for',
    async (syscall, errno, code) => {
      const step = makeSteps().take('client.set', Promise.resolve(answerOf({ errno, syscall }, 7)));
      await expect(step).rejects.toMatchObject({ code });
    },
  );

  test('whose peer ended rejects with that', async () => {
    await expect(makeSteps().take('server.listen', failed())).rejects.toMatchObject({ code: 'PEER_DIED' });
  });

  test.each([
    ['all', async (taken: readonly PromiseLike<number>[]) => Promise.all(taken), [1, 2]],
    ['race', async (taken: readonly PromiseLike<number>[]) => Promise.race(taken), 1],
  ] as const)('works through Promise.%s', async (_, wait, value) => {
    const steps = makeSteps();
    expect(await wait([steps.take('a', given(1)), steps.take('b', given(2))])).toEqual(value);
  });

  test('through Promise.all rejects when one is refused', async () => {
    const steps = makeSteps();
    const both = Promise.all([steps.take('a', given(1)), steps.take('b', refused())]);
    await expect(both).rejects.toMatchObject({ code: 'STEP_REFUSED' });
    expect(() => steps.check()).not.toThrow();
  });

  test('works through then, catch and finally', async () => {
    const steps = makeSteps();
    expect(await steps.take('a', given(1)).then((value) => value + 1)).toBe(2);
    expect(await steps.take('b', refused()).catch((error: LingerlabError) => error.code)).toBe('STEP_REFUSED');
    const order: string[] = [];
    expect(await steps.take('c', given(3)).finally(() => order.push('done'))).toBe(3);
    expect(order).toEqual(['done']);
  });
});

describe('answer()', () => {
  test('gives a refusal as data, and in one word', async () => {
    expect(await makeSteps().take('server.listen', refused()).answer()).toEqual({
      ok: false,
      outcome: 'EADDRINUSE',
      errno: 'EADDRINUSE',
      syscall: 'bind',
      ns: 7,
    });
  });

  test('gives a value with how long the call took', async () => {
    expect(await makeSteps().take('client.write', given(3)).answer()).toEqual({
      ok: true,
      outcome: 'ok',
      value: 3,
      ns: 5,
    });
  });
});

describe('a scenario that ends', () => {
  test('with every step awaited passes the check', async () => {
    const steps = makeSteps();
    await steps.take('a', given(1));
    await steps.take('b', refused()).answer();
    expect(() => steps.check()).not.toThrow();
    expect(steps.running()).toEqual({ names: [], at: undefined });
  });

  test('while a step is running does not, and the step is named', async () => {
    const steps = makeSteps();
    await steps.take('client.write', given(1));
    void steps.take('server.close by end', new Promise<never>(() => undefined));
    await turn();
    expect(() => steps.check()).toThrowError(
      expect.objectContaining({
        code: 'STEP_UNAWAITED',
        message: 'server.close by end was still running when the scenario ended',
      }),
    );
    expect(steps.running().names).toEqual(['server.close by end']);
  });

  test('while a step is running does not, though someone has looked at it', async () => {
    const steps = makeSteps();
    void steps.take('server.close by end', new Promise<never>(() => undefined)).answer();
    await turn();
    expect(() => steps.check()).toThrowError(expect.objectContaining({ code: 'STEP_UNAWAITED' }));
  });

  test('after a refusal at which nobody looked does not', async () => {
    const steps = makeSteps();
    void steps.take('server.listen', refused());
    await turn();
    expect(() => steps.check()).toThrowError(
      expect.objectContaining({
        code: 'STEP_UNAWAITED',
        message: 'server.listen was refused (EADDRINUSE) and nobody looked',
      }),
    );
  });

  test('after a failure at which nobody looked does not', async () => {
    const steps = makeSteps();
    void steps.take('client.connect to port 1', failed());
    await turn();
    expect(() => steps.check()).toThrowError(/client.connect to port 1 .*peer server ended: SIGKILL/);
  });

  test('after a step that nobody awaited and that succeeded passes', async () => {
    const steps = makeSteps();
    void steps.take('a', given(1));
    await turn();
    expect(() => steps.check()).not.toThrow();
  });
});
