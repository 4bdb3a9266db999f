import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'

import type { WorkspaceAgent, WorkspaceAgentMetadata } from '@slipway/contract'
import { eventData, useLive } from '../api/use-live.ts'
import { hasBeenConnected } from './agent-look.ts'

/** How long cards wait for what their agents measure, in milliseconds: usually it is there after some 30. */
const PATIENCE_MS = 300

/** What an agent measures, and whether its stream is up. */
interface Figures {
  readonly values: readonly WorkspaceAgentMetadata[]
  readonly up: boolean
}

const FiguresContext = createContext<ReadonlyMap<string, Figures>>(new Map())

/** What this agent measures; undefined while nothing is known. */
export function useAgentFigures(agent: WorkspaceAgent): Figures | undefined {
  return useContext(FiguresContext).get(agent.id)
}

/**
 * Reads what agents measure while they are on screen (UI-723). Whatever stands among the figures is shown together with
 * them, so that they push nothing away.
 */
export function AgentFigures({
  agents,
  children,
}: {
  readonly agents: readonly WorkspaceAgent[]
  readonly children: ReactNode
}) {
  const [known, setKnown] = useState<ReadonlyMap<string, Figures>>(new Map())
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  const note = useCallback(
    (id: string, figures: Figures) => setKnown((before) => new Map(before).set(id, figures)),
    [],
  )
  const shown = agents.filter(hasBeenConnected)
  const waits = !late && shown.some(({ id }) => !known.has(id))
  return (
    <>
      {shown.map((agent) => (
        <Source key={agent.id} agent={agent} onFigures={note} />
      ))}
      {waits ? null : <FiguresContext value={known}>{children}</FiguresContext>}
    </>
  )
}

function Source({
  agent: { id },
  onFigures,
}: {
  readonly agent: WorkspaceAgent
  readonly onFigures: (id: string, figures: Figures) => void
}) {
  const [values, setValues] = useState<readonly WorkspaceAgentMetadata[]>()
  const up = useLive(id, {
    path: () => `/api/v2/workspaceagents/${id}/watch-metadata-ws`,
    onMessage: (frame) => {
      const data = eventData(frame)
      if (Array.isArray(data)) setValues(data.filter(isMetadata))
    },
  })
  useEffect(() => {
    if (values !== undefined) onFigures(id, { values, up })
  }, [id, values, up, onFigures])
  return null
}

function isMetadata(value: unknown): value is WorkspaceAgentMetadata {
  return typeof value === 'object' && value !== null && 'description' in value && 'result' in value
}
