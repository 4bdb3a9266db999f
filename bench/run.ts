// `npm run bench [name …]`: every bench, or those that are named, one after the other.
import { aiGateway } from './ai-gateway.ts'
import { authcheck } from './authcheck.ts'
import { changeLog } from './change-log.ts'
import { chatTyping } from './chat-typing.ts'
import { chats } from './chats.ts'
import { createToConnected } from './create-to-connected.ts'
import { decisions } from './decisions.ts'
import { filteredList } from './filtered-list.ts'
import type { Bench } from './harness.ts'
import { logins } from './login.ts'
import { mcp } from './mcp.ts'
import { memory } from './memory.ts'
import { oauth2Tokens } from './oauth2-tokens.ts'
import { start } from './start.ts'
import { terminalEcho } from './terminal-echo.ts'
import { tunnel } from './tunnel.ts'
import { usersMe } from './users-me.ts'
import { workspacesList } from './workspaces-list.ts'

const benches: Readonly<Record<string, Bench>> = {
  'users-me': usersMe,
  authcheck,
  decisions,
  login: logins,
  'workspaces-list': workspacesList,
  'filtered-list': filteredList,
  start,
  'chat-typing': chatTyping,
  'create-to-connected': createToConnected,
  'change-log': changeLog,
  tunnel,
  'terminal-echo': terminalEcho,
  memory,
  mcp,
  'oauth2-tokens': oauth2Tokens,
  chats,
  'ai-gateway': aiGateway,
}
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => benches[name] === undefined)
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  for (const figure of await bench()) {
    console.log(`${figure.what}\n  measured  ${figure.measured}\n  baseline  ${figure.baseline}`)
    console.log(`  result    ${figure.result} (wanted: ${figure.wanted})\n`)
  }
}
// Agents of workspaces that have ended may leave sockets open.
process.exit(0)
