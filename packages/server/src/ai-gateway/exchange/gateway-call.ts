/** For whom and for what callers in this process ask models. */
export interface GatewayCall {
  /** User whose keys are used and whose budget is charged. */
  readonly ownerId: string
  /** The provider, by id or name. */
  readonly provider: string
  /** Key that the calls are attributed to, see `ModelGateway.keyFor` (CH-508). */
  readonly apiKeyId?: string | undefined
  /** Root of the tree of chats that the calls are made for; it becomes the session of the records (AG-88). */
  readonly rootChatId?: string | undefined
  /** The chat itself where it is not the root. */
  readonly subchatId?: string | undefined
  readonly workspaceId?: string | undefined
  /** Whether keys that rest after a 429 are asked too where no other is left: a user has wished so (B-6). */
  readonly triesResting?: boolean | undefined
  /** Sent to the provider; `coder-agents/<version>` unless it is said. */
  readonly userAgent?: string | undefined
}

/** What a tree of chats has cost (CH-804). */
export interface ChatCost {
  /** Millionths of a dollar. */
  readonly totalCostMicros: number
  /** Calls that used tokens. */
  readonly requestCount: number
  /** Those of them whose model has no price. */
  readonly unpricedRequestCount: number
}
