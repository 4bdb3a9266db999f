import { queryOptions } from '@tanstack/react-query'

import { getChatFile, type UploadChatFileResponse, uploadChatFile } from '@slipway/contract'
import { csrfToken } from '../api/csrf.ts'
import { handedSession } from '../api/handed-session.ts'
import { ApiError, NetworkError, requestPath } from '../api/http.ts'

const MOST_TEXT = 1_048_576

/** Where a file of a chat is; images and downloads may point there. */
export function chatFileAddress(id: string): string {
  return requestPath(getChatFile.path, { file: id })
}

/** The text of a file of a chat; null for one that is gone. */
export function chatFileTextQuery(id: string) {
  return queryOptions({
    queryKey: ['chat-file-text', id],
    queryFn: async ({ signal }) => {
      const answer = await fetch(chatFileAddress(id), { ...handedSession.credentials(), signal })
      if (answer.status === 404) return null
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
      return (await answer.text()).slice(0, MOST_TEXT)
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Where an element may read a file of a chat: a copy of it where the address alone does not say who asks. */
export function chatFileSourceQuery(id: string) {
  return queryOptions({
    queryKey: ['chat-file-source', id],
    queryFn: async ({ signal }) => {
      if (handedSession.token === undefined) return chatFileAddress(id)
      const answer = await fetch(chatFileAddress(id), { ...handedSession.credentials(), signal })
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
      return URL.createObjectURL(await answer.blob())
    },
    initialData: handedSession.token === undefined ? chatFileAddress(id) : undefined,
    staleTime: Number.POSITIVE_INFINITY,
    // A copy lives as long as the page does; there are as many as the panel has shown.
    gcTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
}

/** An upload that tells how far it is, from 0 to 1. `fetch` cannot. */
export function uploadFile(
  file: File,
  organization: string,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<UploadChatFileResponse> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', requestPath(uploadChatFile.path, {}, { organization }))
    request.responseType = 'text'
    request.setRequestHeader('Content-Type', file.type === '' ? 'application/octet-stream' : file.type)
    request.setRequestHeader(
      'Content-Disposition',
      `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    )
    if (handedSession.token !== undefined)
      request.setRequestHeader('Coder-Session-Token', handedSession.token)
    const token = csrfToken()
    if (token !== undefined) request.setRequestHeader('X-CSRF-TOKEN', token)
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress(total === 0 ? 0 : loaded / total),
    )
    request.addEventListener('load', () => {
      const answer = parse(request.responseText)
      if (request.status === 201 && typeof answer.id === 'string') resolve({ id: answer.id })
      else
        reject(
          new ApiError({
            status: request.status,
            message:
              typeof answer.message === 'string' ? answer.message : `The server answered ${request.status}.`,
            detail: typeof answer.detail === 'string' ? answer.detail : undefined,
            validations: [],
            requestId: undefined,
            retryAfter: undefined,
            body: answer,
          }),
        )
    })
    request.addEventListener('error', () => reject(new NetworkError(undefined)))
    request.addEventListener('abort', () => reject(signal.reason))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    if (signal.aborted) reject(signal.reason)
    else request.send(file)
  })
}

function parse(text: string): {
  readonly id?: unknown
  readonly message?: unknown
  readonly detail?: unknown
} {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
