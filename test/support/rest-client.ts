/** An answer over HTTP, its JSON already read. */
export interface RestAnswer {
  status: number;
  headers: Headers;
  // Whatever came: the assertions say what it should be.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  text: string;
}

/** A client of the REST gate, on Node's own fetch. */
export class RestClient {
  constructor(
    readonly origin: string,
    readonly key: string,
  ) {}

  /** Where a call of this path goes: a house in several processes has several origins. */
  originOf(_path: string): string {
    return this.origin;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<RestAnswer> {
    const response = await fetch(this.originOf(path) + path, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text ? JSON.parse(text) : undefined };
  }

  get(path: string, headers?: Record<string, string>): Promise<RestAnswer> {
    return this.call('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<RestAnswer> {
    return this.call('POST', path, body, headers);
  }

  put(path: string, body?: unknown): Promise<RestAnswer> {
    return this.call('PUT', path, body);
  }
}
