import type { UserAIProviderKey } from '@slipway/contract'
import { apiOf, type GatewayApi, gatewayAddress } from '../ai-gateway/addresses.ts'

/** How a tool is told where the gateway is. */
interface ToolSetup {
  readonly id: ToolId
  readonly label: string
  readonly api: GatewayApi
  readonly how: string
  readonly code: string
}

export type ToolId = 'claude-code' | 'codex' | 'openai' | 'anthropic' | 'curl'

/** Names of the providers that a tool may ask, by what they speak. */
export type ProviderNames = Readonly<Record<GatewayApi, readonly string[]>>

/** The providers that are there for everybody, those first whose name says what they speak. */
export function providerNames(keys: readonly Pick<UserAIProviderKey, 'provider'>[]): ProviderNames {
  const names = (api: GatewayApi) =>
    keys
      .flatMap(({ provider: { name, type, enabled, deleted } }) =>
        enabled && !deleted && apiOf(type) === api ? [name] : [],
      )
      .sort((one, other) => Number(other === api) - Number(one === api))
  return { anthropic: names('anthropic'), openai: names('openai'), copilot: names('copilot') }
}

/** What common tools need to ask through the gateway of this deployment, with a token in the place of a provider's key. */
export function toolSetups(origin: string, names: ProviderNames): readonly ToolSetup[] {
  const anthropic = gatewayAddress(origin, { type: 'anthropic', name: names.anthropic[0] ?? 'anthropic' })
  const openai = gatewayAddress(origin, { type: 'openai', name: names.openai[0] ?? 'openai' })
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      api: 'anthropic',
      how: 'Set these in the shell that you start it from.',
      code: [`export ANTHROPIC_BASE_URL=${anthropic}`, 'export ANTHROPIC_AUTH_TOKEN=<token>'].join('\n'),
    },
    {
      id: 'codex',
      label: 'Codex',
      api: 'openai',
      how: 'Put this into ~/.codex/config.toml, and the token into the SLIPWAY_TOKEN variable.',
      code: [
        'model_provider = "slipway"',
        '',
        '[model_providers.slipway]',
        'name = "Slipway"',
        `base_url = "${openai}"`,
        'env_key = "SLIPWAY_TOKEN"',
        'wire_api = "responses"',
      ].join('\n'),
    },
    {
      id: 'openai',
      label: 'OpenAI SDK',
      api: 'openai',
      how: 'Set these where the program runs.',
      code: [`export OPENAI_BASE_URL=${openai}`, 'export OPENAI_API_KEY=<token>'].join('\n'),
    },
    {
      id: 'anthropic',
      label: 'Anthropic SDK',
      api: 'anthropic',
      how: 'Set these where the program runs.',
      code: [`export ANTHROPIC_BASE_URL=${anthropic}`, 'export ANTHROPIC_AUTH_TOKEN=<token>'].join('\n'),
    },
    {
      id: 'curl',
      label: 'curl',
      api: 'openai',
      how: 'Run this in a shell, with a model that the provider has.',
      code: [
        `curl ${openai}/chat/completions \\`,
        '  -H "Authorization: Bearer <token>" \\',
        '  -H "Content-Type: application/json" \\',
        `  -d '{"model": "gpt-5", "messages": [{"role": "user", "content": "Say hi"}]}'`,
      ].join('\n'),
    },
  ]
}
