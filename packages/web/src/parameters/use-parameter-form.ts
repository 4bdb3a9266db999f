import { useEffect, useRef, useState, useSyncExternalStore } from 'react'

import { type DynamicParametersResponse, evaluateDynamicParameters } from '@slipway/contract'
import { api, checkSession } from '../api/client.ts'
import { openLiveSocket } from '../api/live-socket.ts'
import { type FormView, ParameterForm } from './parameter-form.ts'

/** After this many failed opens the plain request takes over (UI-735). */
const FAILURES = 3

interface ParameterFormState {
  readonly form: ParameterForm
  readonly view: FormView
  /** Why the form cannot be evaluated at all; the connection goes on trying. */
  readonly error: unknown
}

/**
 * The live form of a template version.
 *
 * @param initial values that count as typed; read once for each version.
 */
export function useParameterForm(
  versionId: string,
  ownerId: string,
  initial: Readonly<Record<string, string>>,
): ParameterFormState {
  const [error, setError] = useState<unknown>(undefined)
  const socket = useRef<{ send: (text: string) => boolean } | undefined>(undefined)
  const fallback = useRef<(() => void) | undefined>(undefined)
  const [form] = useState(
    () =>
      new ParameterForm(
        {
          send: (request) => {
            const sent = socket.current?.send(JSON.stringify({ ...request, owner_id: ownerId })) ?? false
            if (!sent) fallback.current?.()
            return sent
          },
          later: (run, milliseconds) => {
            const timer = setTimeout(run, milliseconds)
            return () => clearTimeout(timer)
          },
        },
        initial,
      ),
  )
  useEffect(() => {
    let failures = 0
    let stopped = false
    const evaluate = async () => {
      const { id, inputs } = form.question()
      try {
        const answer = await api.call(evaluateDynamicParameters, {
          params: { templateversion: versionId },
          body: { id, inputs, owner_id: ownerId },
        })
        if (stopped) return
        setError(undefined)
        form.receive({ ...answer, id })
      } catch (thrown) {
        if (!stopped) setError(thrown)
      }
    }
    const live = openLiveSocket({
      path: () => `/api/v2/templateversions/${versionId}/dynamic-parameters?user_id=${ownerId}`,
      onMessage: (frame) => {
        if (isResponse(frame)) form.receive(frame)
      },
      onOpen: () => {
        failures = 0
        fallback.current = undefined
        setError(undefined)
        form.opened()
      },
      onDown: () => {
        failures++
        if (failures < FAILURES) return
        fallback.current = () => void evaluate()
        if (failures === FAILURES) void evaluate()
      },
      onRefused: () => void checkSession(),
    })
    socket.current = live
    return () => {
      stopped = true
      socket.current = undefined
      fallback.current = undefined
      live[Symbol.dispose]()
    }
  }, [form, versionId, ownerId])
  const view = useSyncExternalStore(form.subscribe, form.view)
  return { form, view, error }
}

function isResponse(frame: unknown): frame is DynamicParametersResponse {
  return (
    typeof frame === 'object' &&
    frame !== null &&
    'parameters' in frame &&
    Array.isArray(frame.parameters) &&
    'id' in frame
  )
}
