export { countByFamily } from './families.ts'
export { usageRollupJob } from './rollup-job.ts'
export { UsageRecorder } from './usage-recorder.ts'
