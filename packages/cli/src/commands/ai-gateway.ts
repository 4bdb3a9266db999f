import type { Command } from 'commander'

import { budgetCommands } from './ai-gateway-budgets.ts'
import { keyCommands } from './ai-gateway-keys.ts'
import { policyCommands } from './ai-gateway-policies.ts'
import { sessionCommands } from './ai-gateway-sessions.ts'
import { spendCommands } from './ai-gateway-spend.ts'
import { priceCommands } from './ai-model-prices.ts'

/** `ai-gateway …`. */
export function aiGatewayCommands(program: Command): void {
  const gateway = program.command('ai-gateway')
  sessionCommands(gateway)
  spendCommands(gateway)
  budgetCommands(gateway)
  priceCommands(gateway)
  policyCommands(gateway)
  keyCommands(gateway)
}
