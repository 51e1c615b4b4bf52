import { experiment, kind } from 'lingerlab';

/** Which settings the namespaces of both ends have: of the user's, or of this experiment. */
export default experiment({
  id: 'under-settings',
  question: 'q',
  factors: { own: ['none', 'timeout'], network: ['loopback', 'veth', 'wire'] },
  network: ({ network }) => network,
  sysctls: ({ own }) => ({ 'net.ipv4.tcp_fin_timeout': own === 'timeout' ? 33 : undefined }),
  measures: { clientTimeout: kind.count(), serverTimeout: kind.count(), buckets: kind.count(), kernels: kind.count() },
  async scenario({ sysctl, note }) {
    const timeout = 'net.ipv4.tcp_fin_timeout';
    note('clientTimeout', Number(sysctl(timeout, 'client')?.value));
    note('serverTimeout', Number(sysctl(timeout, 'server')?.value));
    note('buckets', Number(sysctl('net.ipv4.tcp_max_tw_buckets')?.value));
    note('kernels', Number(sysctl(timeout)?.own));
  },
  claims: [],
  answer: () => 'so',
});
