/** Which part of the server a piece of work belongs to (ID-118, OP-91). */
export type Service =
  | 'http-api'
  | 'agent-rpc'
  | 'lifecycle-executor'
  | 'workspace-build-orchestrator'
  | 'dormancy'
  | 'mcp-health'
  | 'metrics-collector'
  | 'db-purge'
  | 'replica-sync'
  | 'typescript-provisioner'
  | 'update-check'
  | 'job-reaper'
  | 'agent-metrics-aggregator'
  | 'rights-watch'
  | 'key-renewal'
  | 'connection-log'
  | 'notifications'
  | 'audit-forwarder'
  | 'audit-chain'
  | 'key-rotation'
  | 'chat-diff-status'
  | 'chat-generation'
  | 'health'
  | 'usage'

/** What the samples of a CPU profile carry, so that the load of users and of background work can be told apart. */
export interface WorkLabels {
  readonly coder_service: Service
  /** Of requests only. */
  readonly coder_request_type?: 'http' | 'websocket' | 'agent-rpc'
  /** Pattern of the route (ID-115, OP-93). */
  readonly route?: string
}
