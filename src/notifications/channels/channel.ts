/** One mail as it goes out. It is the same over all retries, to the last byte of its Message-ID and Date. */
export interface Letter {
  /** `ntf_…`. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** When it was written, ISO 8601 UTC. */
  at: string;
}

/** What came of one try: taken, refused for ever by this recipient's server, or trouble that may pass. */
export type Delivery = { taken: true } | { refused: string } | { trouble: string };

/** The way to people's mailboxes. Two adapters: an SMTP server, and the preview that sends nothing. */
export abstract class Channel {
  /** Tries once and answers within 15 s, whatever the other side does; never throws. */
  abstract send(letter: Letter): Promise<Delivery>;

  /** Ends its connections. */
  abstract close(): void;
}
