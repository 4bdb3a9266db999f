/** How a tool is told where the gateway is. */
interface ToolSetup {
  readonly id: ToolId
  readonly label: string
  readonly how: string
  readonly code: string
}

export type ToolId = 'claude-code' | 'codex' | 'openai' | 'anthropic'

/** What common tools need to ask through the gateway of this deployment, with a token in the place of a provider's key. */
export function toolSetups(origin: string): readonly ToolSetup[] {
  const gateway = `${origin.replace(/\/+$/, '')}/api/v2/ai-gateway`
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      how: 'Set these in the shell that you start it from.',
      code: [`export ANTHROPIC_BASE_URL=${gateway}/anthropic`, 'export ANTHROPIC_AUTH_TOKEN=<token>'].join(
        '\n',
      ),
    },
    {
      id: 'codex',
      label: 'Codex',
      how: 'Put this into ~/.codex/config.toml, and the token into the SLIPWAY_TOKEN variable.',
      code: [
        'model_provider = "slipway"',
        '',
        '[model_providers.slipway]',
        'name = "Slipway"',
        `base_url = "${gateway}/openai/v1"`,
        'env_key = "SLIPWAY_TOKEN"',
        'wire_api = "responses"',
      ].join('\n'),
    },
    {
      id: 'openai',
      label: 'OpenAI SDK',
      how: 'Set these where the program runs.',
      code: [`export OPENAI_BASE_URL=${gateway}/openai/v1`, 'export OPENAI_API_KEY=<token>'].join('\n'),
    },
    {
      id: 'anthropic',
      label: 'Anthropic SDK',
      how: 'Set these where the program runs.',
      code: [`export ANTHROPIC_BASE_URL=${gateway}/anthropic`, 'export ANTHROPIC_AUTH_TOKEN=<token>'].join(
        '\n',
      ),
    },
  ]
}
