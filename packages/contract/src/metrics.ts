import { route } from './route.ts'

/** Every series of this replica, as text in the format of Prometheus (OP-80). */
export const getDebugMetrics = route('GET /api/v2/debug/metrics', {
  id: 'debug-metrics',
  tag: 'Debug',
  responses: { 200: null },
  stream: 'bytes',
})
