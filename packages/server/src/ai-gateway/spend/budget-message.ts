/** A budget that is used up. */
export interface UsedUpBudget {
  readonly of: 'user' | 'group' | 'organization' | 'key'
  /** Millionths of a dollar. */
  readonly limitMicros: number
}

/** An amount as it is read. */
export function dollars(micros: number): string {
  return `$${(micros / 1_000_000).toFixed(2)}`
}

/** What a client reads of it (AG-113). */
export function budgetMessage({ of, limitMicros }: UsedUpBudget): string {
  const limit = `US${dollars(limitMicros)}`
  switch (of) {
    case 'user':
      return `AI budget of ${limit} exceeded. Please contact an administrator for more details.`
    case 'key':
      return `Monthly AI budget of ${limit} of this token exceeded. Please contact whoever gave it to you.`
    case 'group':
    case 'organization':
      return `AI budget of ${limit} of your ${of} exceeded. Please contact an administrator for more details.`
  }
}
