export { PeriodicJob } from './periodic-job.ts'
