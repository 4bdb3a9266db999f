import { listAgentLogs, listBuildLogs, type Workspace } from '@slipway/contract'
import { handedSession } from '../api/handed-session.ts'
import { requestPath } from '../api/http.ts'
import { saveFile } from '../ui/save-file.ts'
import { type ZipEntry, zipOf } from '../ui/zip.ts'

/** Saves what the latest build and each agent wrote, as one archive (UI-715). @throws Error naming the log that the server does not give. */
export async function downloadLogs(workspace: Workspace): Promise<void> {
  const { latest_build: build, name } = workspace
  const logs = [
    {
      file: `build-${build.build_number}.log`,
      address: requestPath(listBuildLogs.path, { workspacebuild: build.id }, { format: 'text' }),
    },
    ...build.resources
      .flatMap((resource) => resource.agents ?? [])
      .map((agent) => ({
        file: `agent-${agent.name}.log`,
        address: requestPath(listAgentLogs.path, { workspaceagent: agent.id }, { format: 'text' }),
      })),
  ]
  const entries = await Promise.all(
    logs.map(async ({ file, address }): Promise<ZipEntry> => {
      const answer = await fetch(address, handedSession.credentials())
      if (!answer.ok) throw new Error(`The server answered ${answer.status} for ${file}.`)
      return { name: `${name}/${file}`, text: await answer.text() }
    }),
  )
  saveFile(`${name}-logs.zip`, zipOf(entries, new Date()))
}
