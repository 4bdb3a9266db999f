/** Which part of the server a piece of work belongs to (ID-118, OP-91). */
export type Service =
  | 'http-api'
  | 'agent-rpc'
  | 'lifecycle-executor'
  | 'dormancy'
  | 'db-purge'
  | 'replica-sync'
  | 'typescript-provisioner'
  | 'job-reaper'
  | 'metrics-collector'
  | 'notifications'

/** What the samples of a CPU profile carry, so that the load of users and of background work can be told apart. */
export interface WorkLabels {
  readonly coder_service: Service
  /** Of requests only. */
  readonly coder_request_type?: 'http' | 'websocket' | 'agent-rpc'
  /** Pattern of the route (ID-115, OP-93). */
  readonly route?: string
}

/** Runs work under labels while a profile is taken; set by the profiler for as long as it samples. */
export type RunLabelled = (labels: WorkLabels, work: () => void) => void

let running: RunLabelled | undefined

/** Called by the profiler alone: from now on work runs under its labels, or, with `undefined`, no longer does. */
export function labelWith(run: RunLabelled | undefined): void {
  running = run
}

/**
 * Runs `work`, and whatever it starts, under labels of its own; nested work that names others overrides them (OP-92).
 * Costs a comparison while no profile is taken, which is why the labels are a function.
 */
export function underLabels(labels: () => WorkLabels, work: () => void): void {
  if (running === undefined) work()
  else running(labels(), work)
}

/** The same for work with a result, such as the round of a background job. */
export function labelled<Result>(service: Service, work: () => Promise<Result>): Promise<Result> {
  if (running === undefined) return work()
  return new Promise((resolve, reject) => {
    underLabels(
      () => ({ coder_service: service }),
      () => void work().then(resolve, reject),
    )
  })
}
