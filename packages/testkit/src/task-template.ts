/** Speaks the AgentAPI: answers each message, works on `busy` without end, and takes no `nonsense`. */
const PROGRAM = (port: number): string => `
const http = require('node:http')
const messages = []
const say = (role, content) => messages.push({ id: messages.length, role, content, time: new Date().toISOString() })
let status = 'stable'
say('user', process.env.CODER_TASK_PROMPT)
say('agent', 'Task ' + process.env.CODER_TASK_ID)
http.createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => { body += chunk })
  request.on('end', () => {
    const answer = (code, value) => {
      response.writeHead(code, { 'content-type': 'application/json' })
      response.end(JSON.stringify(value))
    }
    switch (request.method + ' ' + request.url) {
      case 'GET /base/status': return answer(200, { status, agent_type: 'test' })
      case 'GET /base/messages': return answer(200, { messages })
      case 'POST /base/message': {
        const { content, type } = JSON.parse(body)
        if (type !== 'user' || content === 'nonsense') return answer(422, { title: 'No' })
        if (content === 'busy') status = 'running'
        say('user', content)
        say('agent', 'Done: ' + content)
        return answer(200, { ok: true })
      }
      default: return answer(404, {})
    }
  })
}).listen(${port}, '127.0.0.1')
`

/** A template of tasks, whose workspaces run that program. */
export const taskTemplate = (port: number): string => `
import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { mood: { type: 'string', default: 'calm', mutable: true } },
  presets: [{ name: 'Eager', parameters: { mood: 'eager' } }],
  workspace: ({ task, parameters }) => ({
    runtime: local(),
    aiTask: { app: 'assistant' },
    metadata: [{ key: 'prompt', value: task === null ? 'none' : task.prompt }, { key: 'mood', value: parameters.mood }],
    agents: [{
      name: 'main',
      startupScriptBehavior: 'blocking',
      startupScript: ${JSON.stringify(`cat > "$HOME/program.cjs" <<'END'\n${PROGRAM(port)}\nEND\nnohup ${process.execPath} "$HOME/program.cjs" > "$HOME/program.log" 2>&1 &`)},
      apps: [{
        slug: 'assistant', url: 'http://localhost:${port}/base',
        healthcheck: { url: 'http://localhost:${port}/base/status', interval: 1, threshold: 30 },
      }],
    }],
  }),
})
`
