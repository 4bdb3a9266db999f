import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Chats'
const FILES = '/api/experimental/chats/files'

export const UploadChatFileResponse = Type.Object({ id: Uuid })
export type UploadChatFileResponse = Static<typeof UploadChatFileResponse>

/** A link that needs no session, for five minutes (CH-443). */
export const ChatFileDownloadURLResponse = Type.Object({
  url: Type.String(),
  expires_at: Time,
  sha256: Type.String(),
  size_bytes: Type.Integer(),
  name: Type.String(),
  mime_type: Type.String(),
})
export type ChatFileDownloadURLResponse = Static<typeof ChatFileDownloadURLResponse>

/** The name comes from `Content-Disposition`, the type from `Content-Type` (CH-440). */
export const uploadChatFile = route(`POST ${FILES}`, {
  id: 'upload-chat-file',
  tag,
  query: Type.Object({ organization: Uuid }),
  consumes: ['*/*'],
  responses: { 201: UploadChatFileResponse },
})

/** With `ETag`, and a part of it where `Range` asks for one (CH-442). */
export const getChatFile = route(`GET ${FILES}/{file}`, {
  id: 'get-chat-file',
  tag,
  responses: { 200: null },
  stream: 'bytes',
})

export const createChatFileDownloadUrl = route(`POST ${FILES}/{file}/download-url`, {
  id: 'create-chat-file-download-url',
  tag,
  responses: { 200: ChatFileDownloadURLResponse },
})

export const downloadChatFile = route(`GET ${FILES}/{file}/download`, {
  id: 'download-chat-file',
  tag,
  security: 'none',
  query: Type.Object({ token: Type.String({ maxLength: 4096 }) }),
  responses: { 200: null },
  stream: 'bytes',
})

/** Files of a workspace whose paths answer to what was typed. */
export const WorkspaceFiles = Type.Object({
  /** Where the agent works; the paths are relative to it. */
  directory: Type.String(),
  /** The best first. */
  files: Type.Array(Type.String()),
  /** The workspace has more files than were looked through. */
  truncated: Type.Boolean(),
})
export type WorkspaceFiles = Static<typeof WorkspaceFiles>

/** For whoever points at a file in a message (UI-1122); files that git ignores are not told. */
export const findWorkspaceFiles = route('GET /api/experimental/chats/workspace-files', {
  id: 'find-chat-workspace-files',
  tag,
  query: Type.Object({
    workspace: Uuid,
    q: Type.Optional(Type.String({ maxLength: 512 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  responses: { 200: WorkspaceFiles },
})
