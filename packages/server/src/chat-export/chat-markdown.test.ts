import { expect, it } from 'vitest'

import type { ChatMessage } from '@slipway/contract'
import { fileNameOf, headOf, messageMarkdown } from './chat-markdown.ts'

const message = (id: number, role: ChatMessage['role'], content: ChatMessage['content']): ChatMessage => ({
  id,
  chat_id: 'a',
  created_at: '2026-11-20T10:00:00Z',
  role,
  content,
})

it('B-18: a conversation as Markdown, with tools folded away', () => {
  const head = headOf({
    id: 'a',
    title: 'Fix the\nlogin',
    created_at: '2026-11-20T10:00:00Z',
  })
  const messages = [
    message(1, 'user', [{ type: 'text', text: 'Why is it red?' }]),
    message(2, 'assistant', [
      { type: 'reasoning', text: '' },
      { type: 'tool-call', tool_name: 'execute', args: { command: 'npm test' } },
    ]),
    message(3, 'tool', [{ type: 'tool-result', tool_name: 'execute', result: 'a ``` b', is_error: true }]),
    message(4, 'assistant', [{ type: 'text', text: 'A test waits too short.' }]),
  ]
  expect(head + messages.map(messageMarkdown).join('')).toBe(`# Fix the login

Chat a, begun 2026-11-20T10:00:00Z

## You

Why is it red?

## Agent

<details><summary>Tool execute</summary>

\`\`\`
{
  "command": "npm test"
}
\`\`\`

</details>

<details><summary>Error of execute</summary>

\`\`\`\`
a \`\`\` b
\`\`\`\`

</details>

## Agent

A test waits too short.

`)
})

it('names files after titles', () => {
  expect(fileNameOf('Fix: the “login” (Ämter/東京)?')).toBe('Fix-the-login-Ämter-東京')
  expect(fileNameOf('../..')).toBe('chat')
})
