import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { route } from './route.ts'

export const UploadResponse = Type.Object({
  hash: Uuid,
})
export type UploadResponse = Static<typeof UploadResponse>

export const uploadFile = route('POST /api/v2/files', {
  id: 'upload-file',
  tag: 'Files',
  consumes: [
    'application/x-tar',
    'application/zip',
    'application/x-zip-compressed',
    'application/octet-stream',
  ],
  responses: { 200: UploadResponse, 201: UploadResponse },
})

export const getFile = route('GET /api/v2/files/{fileID}', {
  id: 'get-file-by-id',
  tag: 'Files',
  responses: { 200: null },
})
