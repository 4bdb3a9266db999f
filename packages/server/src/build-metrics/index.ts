export { type BuildAttempt, BuildMetrics } from './build-metrics.ts'
