import type { Chat, ChatMessage, ChatMessagePart } from '@slipway/contract'
import type { StagedChat } from './chat-stage.fixture.ts'
import { uuid } from './chat-stage.fixture.ts'

/** Two models, one of them with efforts, as the server would list them. */
const MODEL = uuid(7001)
const OTHER_MODEL = uuid(7002)

const AT = Date.parse('2026-11-28T20:00:00Z')
const time = (seconds: number) => new Date(AT + seconds * 1000).toISOString()

function configOf(id: string, model: string, name: string, efforts: readonly string[]) {
  return {
    id,
    ai_provider_id: uuid(7100),
    model,
    display_name: name,
    enabled: true,
    is_default: id === MODEL,
    context_limit: 200_000,
    compression_threshold: 70,
    ...(efforts.length === 0
      ? {}
      : {
          reasoning_efforts: efforts,
          model_config: { reasoning_effort: { default: 'medium', max: 'high' } },
        }),
    created_at: time(0),
    updated_at: time(0),
  }
}

/** What the stage answers for models. */
export const MODELS = [
  {
    provider: 'Anthropic',
    provider_id: uuid(7100),
    provider_type: 'anthropic',
    display_name: 'Anthropic',
    icon: '',
    available: true,
    models: [
      { id: MODEL, provider: 'anthropic', model: 'opus', display_name: 'Opus' },
      { id: OTHER_MODEL, provider: 'anthropic', model: 'haiku', display_name: 'Haiku' },
    ],
    configs: [
      configOf(MODEL, 'opus', 'Opus', ['low', 'medium', 'high']),
      configOf(OTHER_MODEL, 'haiku', 'Haiku', []),
    ],
  },
]

/** A chat without messages. */
export function emptyChat(
  number: number,
  owner: string,
  organization: string,
  more: Partial<Chat> = {},
): StagedChat {
  const id = uuid(number)
  return {
    chat: {
      id,
      organization_id: organization,
      owner_id: owner,
      root_chat_id: id,
      last_model_config_id: MODEL,
      title: 'Fix the flaky login test',
      status: 'waiting',
      last_turn_summary: null,
      summary: null,
      client_type: 'ui',
      created_at: time(0),
      updated_at: time(0),
      archived: false,
      shared: false,
      pin_order: 0,
      mcp_server_ids: [],
      labels: {},
      has_unread: false,
      children: [],
      ...more,
    },
    messages: [],
    queue: [],
    opening: [],
  }
}

/** Writes messages of a chat one after the other, with numbers and times that grow. */
export class Script {
  readonly messages: ChatMessage[] = []
  readonly #chat: string
  #id: number
  #second = 0
  #call = 0

  constructor(chat: string, firstId = 1) {
    this.#chat = chat
    this.#id = firstId
  }

  user(text: string, ...more: ChatMessagePart[]): this {
    return this.#add('user', [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...more])
  }

  say(text: string, usage?: ChatMessage['usage']): this {
    return this.#add('assistant', [{ type: 'text', text }], usage)
  }

  think(text: string): this {
    return this.#add('assistant', [
      { type: 'reasoning', text, created_at: time(this.#second), completed_at: time(this.#second + 4) },
    ])
  }

  files(...parts: ChatMessagePart[]): this {
    return this.#add('assistant', parts)
  }

  tool(name: string, args: unknown, result: unknown, more: { seconds?: number; error?: boolean } = {}): this {
    const id = `call_${this.#id}_${this.#call++}`
    const from = time(this.#second)
    this.#add('assistant', [{ type: 'tool-call', tool_call_id: id, tool_name: name, args, created_at: from }])
    if (result === undefined) return this
    this.#second += more.seconds ?? 1
    return this.#add('tool', [
      {
        type: 'tool-result',
        tool_call_id: id,
        tool_name: name,
        result,
        created_at: time(this.#second),
        ...(more.error === true ? { is_error: true } : {}),
      },
    ])
  }

  #add(role: ChatMessage['role'], content: ChatMessagePart[], usage?: ChatMessage['usage']): this {
    this.#second += 1
    this.messages.push({
      id: this.#id++,
      chat_id: this.#chat,
      role,
      content,
      created_at: time(this.#second),
      model_config_id: MODEL,
      ...(usage === undefined ? {} : { usage }),
    })
    return this
  }
}

const DIFF = `--- a/src/auth/login.test.ts
+++ b/src/auth/login.test.ts
@@ -12,6 +12,8 @@ describe('login', () => {
   it('keeps the session', async () => {
     const page = await open('/login')
-    await page.click('Sign in')
-    expect(page.url()).toBe('/home')
+    await Promise.all([
+      page.waitForURL('/home'),
+      page.click('Sign in'),
+    ])
   })
 })
`

/** One of everything that a conversation can hold. */
export function everything(chat: string): ChatMessage[] {
  return new Script(chat)
    .user('The login test fails every third run on CI. Find out why and fix it.\n\nThe log is attached.', {
      type: 'file',
      file_id: uuid(9001),
      media_type: 'text/plain',
      name: 'ci.log',
    })
    .think('**Looking at the failing test**\n\nThe test clicks and then compares the address at once.')
    .say("I'll look at the test and at how sessions are kept first.")
    .tool(
      'read_file',
      { path: '/home/dev/app/src/auth/login.test.ts' },
      {
        content:
          '1\timport { open } from "../page"\n2\t\n3\tdescribe("login", () => {\n4\t  // 12 more lines\n',
        file_size: 900,
        total_lines: 24,
        lines_read: 24,
      },
    )
    .tool(
      'read_file',
      { path: '/home/dev/app/src/auth/session.ts', offset: 40 },
      { content: '40\texport const a = 1', total_lines: 90, lines_read: 50 },
    )
    .tool(
      'read_file',
      { path: '/home/dev/app/package.json' },
      { content: '1\t{}', total_lines: 1, lines_read: 1 },
    )
    .tool(
      'execute',
      { command: 'npm test -- --run src/auth', timeout: '120s' },
      {
        success: false,
        exit_code: 1,
        wall_duration_ms: 8421,
        output:
          '\u001b[1m RUN \u001b[0m v4.1.12 /home/dev/app\n\n \u001b[32m✓\u001b[39m src/auth/session.test.ts (12 tests) 340ms\n \u001b[31m❯ src/auth/login.test.ts\u001b[39m (3 tests | \u001b[31m1 failed\u001b[39m) 5012ms\n   \u001b[31m× keeps the session\u001b[39m\n\n\u001b[33mAssertionError\u001b[39m: expected "/login" to be "/home"\n',
      },
      { seconds: 8 },
    )
    .tool(
      'edit_files',
      {
        files: [{ path: '/home/dev/app/src/auth/login.test.ts', edits: [{ old_text: 'a', new_text: 'b' }] }],
      },
      { ok: true, files: [{ path: '/home/dev/app/src/auth/login.test.ts', diff: DIFF }] },
    )
    .tool(
      'write_file',
      { path: '/home/dev/app/docs/flaky.md', content: '# Flaky tests\n\nWait for the address.\n' },
      { ok: true },
    )
    .tool(
      'execute',
      { command: 'npm run dev', run_in_background: true },
      {
        success: true,
        exit_code: 0,
        backgrounded: true,
        background_process_id: 'p-7',
        wall_duration_ms: 210,
      },
    )
    .tool(
      'list_templates',
      {},
      {
        templates: [
          { display_name: 'Node', description: 'Node 24 with a database', active_developers: 4 },
          { display_name: 'Python', description: 'Python 3.14', active_developers: 1 },
        ],
        page: 1,
      },
    )
    .tool(
      'create_workspace',
      { template_id: uuid(5), name: 'fix-login' },
      { created: false, error: 'Parameter "region" is required by template "node".' },
    )
    .tool(
      'spawn_agent',
      {
        type: 'explore',
        prompt: 'Find every test that compares the address right after a click.',
        title: 'Find similar tests',
      },
      { chat_id: uuid(8101), title: 'Find similar tests', status: 'running', type: 'explore' },
    )
    .tool(
      'wait_agent',
      { chat_id: uuid(8101) },
      {
        chat_id: uuid(8101),
        title: 'Find similar tests',
        status: 'waiting',
        type: 'explore',
        report: 'Two more: `logout.test.ts` and `invite.test.ts`.',
      },
      { seconds: 42 },
    )
    .tool(
      'github__create_issue',
      { title: 'Flaky login test', labels: ['ci'] },
      { number: 412, url: 'https://github.com/acme/app/issues/412' },
    )
    .tool('made_up_tool', { anything: [1, 2, 3] }, 'It is not there.', { error: true })
    .tool(
      'chat_summarized',
      { source: 'automatic', threshold_percent: 70 },
      {
        summary: 'The test compares the address **too early**.',
        source: 'automatic',
        usage_percent: 71.4,
        context_tokens: 142_800,
        context_limit_tokens: 200_000,
      },
    )
    .say(
      [
        'The test compared the address **before** the page had moved on. It waits for it now:',
        '',
        '```ts',
        'await Promise.all([',
        "  page.waitForURL('/home'), // resolves when the redirect is through",
        "  page.click('Sign in'),",
        '])',
        '```',
        '',
        '| Run | Before | After |',
        '| --- | ---: | ---: |',
        '| 1 | 5.0 s | 0.4 s |',
        '| 2 | failed | 0.4 s |',
        '',
        '1. `login.test.ts` is fixed.',
        '2. `logout.test.ts` and `invite.test.ts` have the same flaw, see [issue 412](https://github.com/acme/app/issues/412).',
        '',
        'Raw <b>HTML</b> stays text, and ![a graph](https://tracker.example/pixel.png) does not load by itself.',
      ].join('\n'),
      {
        input_tokens: 48_200,
        output_tokens: 1_240,
        cache_read_tokens: 96_400,
        total_tokens: 145_840,
        context_limit: 200_000,
      },
    )
    .files({ type: 'source', url: 'https://playwright.dev/docs/navigations', title: 'Navigations' }).messages
}

const WORDS =
  'The quick build of a workspace waits for its agent before the log says that everything is ready'.split(' ')

/** A conversation of many messages, a third of them calls of tools (UI-1905). */
export function longConversation(chat: string, messages: number): ChatMessage[] {
  const script = new Script(chat)
  const sentence = (seed: number, length: number) =>
    Array.from({ length }, (_, index) => WORDS[(seed * 7 + index * 3) % WORDS.length]).join(' ')
  for (let turn = 0; script.messages.length < messages; turn++) {
    script.user(sentence(turn, 14))
    script.think(`**Step ${turn}**\n\n${sentence(turn + 1, 40)}`)
    script.tool(
      'execute',
      { command: `npm test -- part-${turn}` },
      { success: true, exit_code: 0, output: 'ok\n'.repeat(20), wall_duration_ms: 1200 },
    )
    script.tool(
      'edit_files',
      {
        files: [
          { path: `/app/src/part-${turn}.ts`, edits: [{ old_text: 'a\nb\nc', new_text: 'a\nB\nc\nd' }] },
        ],
      },
      { ok: true },
    )
    script.say(
      `${sentence(turn, 60)}\n\n- ${sentence(turn + 2, 9)}\n- ${sentence(turn + 3, 9)}\n\n\`\`\`ts\nconst part = ${turn}\nexport default part\n\`\`\``,
      {
        input_tokens: 1000 + turn,
        output_tokens: 200,
        total_tokens: 1200 + turn,
        context_limit: 200_000,
      },
    )
  }
  return script.messages.slice(0, messages)
}
