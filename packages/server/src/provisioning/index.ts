export type * from './engine/description.ts'
export {
  type Applied,
  type Engine,
  EngineError,
  type EngineSession,
  type Plan,
  type PlanOwner,
  type PlanRequest,
  type PlanWorkspace,
  type Preview,
  type Timing,
} from './engine/engine.ts'
export { LocalRuntime } from './engine/local/local-runtime.ts'
export { TemplateSandbox } from './engine/typescript/sandbox.ts'
export { TypeScriptEngine } from './engine/typescript/typescript-engine.ts'
export { answerJobLogs, JOB_LOG_FAULTS } from './follow-logs.ts'
export type { JobHandler, JobTools, Outcome } from './job-handler.ts'
export { JobReaper } from './job-reaper.ts'
export { JobWorker } from './job-worker.ts'
export { resolveParameters } from './parameters/resolve.ts'
export { valueFault } from './parameters/validate-value.ts'
export { presentBareDaemon, presentJob, presentMatching } from './present.ts'
export { type QueuedJob, queueJob } from './queue-job.ts'
export { provisioningRoutes } from './routes.ts'
export { countMatching, listSeenDaemons, type Matching } from './store/daemons.ts'
export { cancelJob, completeJob, getJob, type JobRow, type QueuePlace, queuePlaces } from './store/jobs.ts'
export { insertTimings, type JobTimingRow, listTimings } from './store/logs.ts'
export { TagReader } from './tag-reader.ts'
export { mergeTags, normalizeTags, type Tags } from './tags.ts'
