/** Uses of keys that are replaced from time to time, with the bytes of a key and how long its tokens live (OP-74). */
export const ROTATED = {
  /** Tickets of workspace apps and hand-overs to their hosts (AC-190, AC-195). */
  workspace_app_tickets: { bytes: 64, tokenMs: 60_000 },
  /** Links under which files of chats can be loaded without a session (CH-443). */
  chat_file_downloads: { bytes: 64, tokenMs: 5 * 60_000 },
  /** Proofs by which clients of a tailnet come back as the peers that they were (AC-143). */
  tailnet_resume: { bytes: 64, tokenMs: 24 * 3_600_000 },
} as const satisfies Record<string, { readonly bytes: number; readonly tokenMs: number }>

/** A use of keys that are replaced from time to time. */
export type RotatedFeature = keyof typeof ROTATED
