import { beginNumber, continueNumber, NUMBER_BROKEN, NUMBER_ENDED } from "./json-number.ts";
import { JsonStringReader, STRING_BROKEN, STRING_ENDED, STRING_PENDING } from "./json-string.ts";
import { spellingsOf } from "./location.ts";

/** Rewrites one JSON body on its way; every chunk in gives a chunk out, at the latest with the end. */
export interface LinkRewriter {
  write(chunk: Buffer): Buffer;
  /** Gives what was still held back. */
  end(): Buffer;
  /** How many links have been rewritten; 0 means that every byte came out as it went in. */
  readonly hits: number;
}

/** Which links are rewritten, and to what. */
export interface LinkRewriterOptions {
  readonly tenantOrigin: string;
  /** Path at that origin below which the tenant is; "" by default. */
  readonly tenantBase?: string;
  /** Public origin and prefix, no slash at the end. */
  readonly publicBase: string;
  /** Further members, beside `href`, whose string value is a link. */
  readonly members?: ReadonlySet<string>;
}

/**
 * Makes a rewriter for one body. A string value that begins with the tenant's origin is rewritten if its member is
 * `href` or listed, or if it stands directly below a member `links`; everything else stays byte for byte, and so
 * does everything after the first byte that is not JSON. Holds back no more than the spelling of one origin.
 */
export function createLinkRewriter(options: LinkRewriterOptions): LinkRewriter {
  return new LinkScanner(options);
}

/** A text as it stands between the quotes of a string. */
export const asJsonText = (text: string): Buffer => Buffer.from(JSON.stringify(text).slice(1, -1));

// What may come next.
const VALUE = 0;
const FIRST_ELEMENT = 1;
const FIRST_KEY = 2;
const KEY = 3;
const COLON = 4;
const AFTER = 5;
const DONE = 6;
// What has begun.
const IN_KEY = 7;
const IN_LINK = 8;
const IN_TEXT = 9;
const IN_NUMBER = 10;
const IN_WORD = 11;
const DOUBT = 12;

/** The member's string value is a link. */
const LINK = 1;
/** Strings directly below the member are links. */
const LINKS = 2;
/** The container is an object. */
const OBJECT = 4;

/** Deeper than any answer of the tenant; what is nested deeper is passed through. */
const DEEPEST = 1024;

const words: ReadonlyMap<number, string> = new Map([
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

class LinkScanner implements LinkRewriter {
  hits = 0;
  readonly #spellings: readonly string[];
  readonly #replacement: Buffer;
  readonly #members: ReadonlyMap<string, number>;
  readonly #lengths: ReadonlySet<number>;
  readonly #longestMember: number;

  #state = VALUE;
  readonly #containers = new Uint8Array(DEEPEST);
  #depth = 0;
  /** What the current member's name means for its value. */
  #meaning = 0;
  #name = "";
  #string = new JsonStringReader();
  #number = 0;
  #word = "";
  #wordAt = 0;

  /** Pieces of the answer to the current chunk, and where the bytes begin that are in none of them yet. */
  #pieces: Buffer[] = [];
  #copied = 0;
  /** While a link is being matched: the spellings that it may still be, as bits, and how far it has come. */
  #alive = 0;
  #matched = 0;
  #matchedBytes = 0;
  #readBytes = 0;
  /** Bytes of the link in earlier chunks, and where it begins or goes on in this one; -1 before its first byte. */
  #carried: Buffer[] = [];
  #heldAt = 0;

  constructor({ tenantOrigin, tenantBase, publicBase, members = new Set() }: LinkRewriterOptions) {
    this.#spellings = spellingsOf(tenantOrigin, tenantBase);
    this.#replacement = asJsonText(publicBase);
    const meanings = new Map<string, number>([...members].map((name) => [name, LINK]));
    meanings.set("href", LINK);
    meanings.set("links", LINKS | (members.has("links") ? LINK : 0));
    this.#members = meanings;
    this.#lengths = new Set([...meanings.keys()].map((name) => name.length));
    this.#longestMember = Math.max(...this.#lengths);
  }

  write(chunk: Buffer): Buffer {
    if (this.#state === DOUBT) return chunk;
    this.#pieces = [];
    this.#copied = 0;
    this.#heldAt = 0;
    for (let i = 0; i < chunk.length;) i = this.#scan(chunk, i);
    let end = chunk.length;
    if (this.#state === IN_LINK && this.#heldAt !== -1) {
      end = this.#heldAt;
      this.#carried.push(Buffer.from(chunk.subarray(end)));
    }
    if (this.#pieces.length === 0 && this.#copied === 0) return chunk.subarray(0, end);
    this.#pieces.push(chunk.subarray(this.#copied, end));
    return Buffer.concat(this.#pieces);
  }

  end(): Buffer {
    const rest = Buffer.concat(this.#carried);
    this.#carried = [];
    this.#state = DOUBT;
    return rest;
  }

  /** Goes on at `at`; gives where to go on after that. */
  #scan(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    switch (this.#state) {
      case IN_TEXT:
        return this.#skipText(chunk, at);
      case IN_KEY:
        return this.#readName(chunk, at);
      case IN_LINK:
        return this.#matchLink(chunk, at);
      case IN_NUMBER:
        return this.#readNumber(chunk, at);
      case IN_WORD:
        if (this.#word.charCodeAt(this.#wordAt) !== byte) return this.#giveUp(chunk);
        this.#wordAt += 1;
        if (this.#wordAt === this.#word.length) this.#endValue();
        return at + 1;
      default:
        if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
        return this.#readStructure(byte) ? at + 1 : this.#giveUp(chunk);
    }
  }

  /** Takes one byte between values; false where it cannot stand. */
  #readStructure(byte: number): boolean {
    switch (this.#state) {
      case VALUE:
        return this.#beginValue(byte);
      case FIRST_ELEMENT:
        return byte === 0x5d ? this.#close(0) : this.#beginValue(byte);
      case FIRST_KEY:
        return byte === 0x7d ? this.#close(OBJECT) : this.#beginKey(byte);
      case KEY:
        return this.#beginKey(byte);
      case COLON:
        this.#state = VALUE;
        return byte === 0x3a;
      case AFTER:
        if (byte === 0x7d) return this.#close(OBJECT);
        if (byte === 0x5d) return this.#close(0);
        this.#state = this.#container() & OBJECT ? KEY : VALUE;
        return byte === 0x2c;
      default:
        return false;
    }
  }

  #beginValue(byte: number): boolean {
    const meaning = this.#meaning;
    this.#meaning = 0;
    switch (byte) {
      case 0x22:
        this.#beginString(((meaning | (this.#container() >> 1)) & LINK) !== 0);
        return true;
      case 0x7b:
        return this.#open(OBJECT | (meaning & LINKS));
      case 0x5b:
        return this.#open(meaning & LINKS);
      default:
        return this.#beginWord(byte) || this.#beginNumber(byte);
    }
  }

  #beginString(isLink: boolean): void {
    this.#state = isLink ? IN_LINK : IN_TEXT;
    this.#alive = (1 << this.#spellings.length) - 1;
    this.#matched = 0;
    this.#matchedBytes = 0;
    this.#readBytes = 0;
    this.#heldAt = -1;
  }

  #beginWord(byte: number): boolean {
    const word = words.get(byte);
    if (word === undefined) return false;
    this.#word = word;
    this.#wordAt = 1;
    this.#state = IN_WORD;
    return true;
  }

  #beginNumber(byte: number): boolean {
    this.#number = beginNumber(byte);
    this.#state = IN_NUMBER;
    return this.#number !== NUMBER_BROKEN;
  }

  #beginKey(byte: number): boolean {
    this.#state = IN_KEY;
    this.#name = "";
    return byte === 0x22;
  }

  #container(): number {
    return this.#depth === 0 ? 0 : (this.#containers[this.#depth - 1] as number);
  }

  #open(container: number): boolean {
    if (this.#depth === DEEPEST) return false;
    this.#containers[this.#depth] = container;
    this.#depth += 1;
    this.#state = container & OBJECT ? FIRST_KEY : FIRST_ELEMENT;
    return true;
  }

  #close(kind: number): boolean {
    if ((this.#container() & OBJECT) !== kind) return false;
    this.#depth -= 1;
    this.#endValue();
    return true;
  }

  #endValue(): void {
    this.#state = this.#depth === 0 ? DONE : AFTER;
  }

  /** From here on nothing is known: what is held back goes out as it came, and so does the rest. */
  #giveUp(chunk: Buffer): number {
    this.#release();
    this.#state = DOUBT;
    return chunk.length;
  }

  #readNumber(chunk: Buffer, at: number): number {
    this.#number = continueNumber(this.#number, chunk[at] as number);
    if (this.#number === NUMBER_BROKEN) return this.#giveUp(chunk);
    if (this.#number !== NUMBER_ENDED) return at + 1;
    this.#endValue();
    return at;
  }

  /** Passes over a string's text. */
  #skipText(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length) {
      if (!this.#string.escaping) at = endOfPlain(chunk, at);
      if (at === chunk.length) break;
      const code = this.#string.read(chunk[at] as number);
      at += 1;
      if (code === STRING_BROKEN) return this.#giveUp(chunk);
      if (code !== STRING_ENDED) continue;
      this.#endValue();
      break;
    }
    return at;
  }

  #readName(chunk: Buffer, start: number): number {
    let at = start;
    if (!this.#string.escaping) {
      at = endOfPlain(chunk, at);
      // Earned by: bench 10KB-json. Most names are whole, and of no length that means anything.
      const isWhole = this.#name === "" && chunk[at] === 0x22;
      const isTooLong = this.#name.length > this.#longestMember;
      if (isWhole ? this.#lengths.has(at - start) : !isTooLong) {
        this.#name += chunk.toString("latin1", start, at);
      }
      if (at === chunk.length) return at;
    }
    const code = this.#string.read(chunk[at] as number);
    if (code === STRING_BROKEN) return this.#giveUp(chunk);
    if (code === STRING_ENDED) {
      this.#meaning = this.#members.get(this.#name) ?? 0;
      this.#state = COLON;
    } else if (code !== STRING_PENDING && this.#name.length <= this.#longestMember) {
      this.#name += String.fromCharCode(code);
    }
    return at + 1;
  }

  #matchLink(chunk: Buffer, at: number): number {
    if (this.#heldAt === -1) {
      this.#heldAt = at;
      const end = this.#readBytes === 0 ? this.#endOfOrigin(chunk, at) : -1;
      if (end !== -1) {
        this.#matchedBytes = end - at;
        this.#replace(chunk);
        this.#state = IN_TEXT;
        return end;
      }
    }
    const code = this.#string.read(chunk[at] as number);
    this.#readBytes += 1;
    if (code === STRING_PENDING) return at + 1;
    if (code === STRING_BROKEN) return this.#giveUp(chunk);
    const length = this.#matched;
    if (isOriginEnd(code) && this.#spelled(length)) {
      this.#replace(chunk);
    } else if (this.#continues(length, code)) {
      this.#matched = length + 1;
      this.#matchedBytes = this.#readBytes;
      return at + 1;
    } else {
      this.#release();
    }
    if (code === STRING_ENDED) this.#endValue();
    else this.#state = IN_TEXT;
    return at + 1;
  }

  /** Where an origin ends that stands here plainly and whole; -1 where none does. Earned by: bench 10KB-json. */
  #endOfOrigin(chunk: Buffer, at: number): number {
    for (const spelling of this.#spellings) {
      const end = at + spelling.length;
      const isPlain = chunk[end] === 0x2f && chunk[end - 1] === spelling.charCodeAt(spelling.length - 1);
      if (isPlain && chunk.toString("latin1", at, end) === spelling) return end;
    }
    return -1;
  }

  /** Whether what has been matched is a whole spelling. */
  #spelled(length: number): boolean {
    for (let i = 0; i < this.#spellings.length; i += 1) {
      if ((this.#alive & (1 << i)) !== 0 && this.#spellings[i]?.length === length) return true;
    }
    return false;
  }

  /** Leaves alive the spellings that go on with a character; whether there are any. */
  #continues(length: number, code: number): boolean {
    let alive = this.#alive;
    for (let i = 0; i < this.#spellings.length; i += 1) {
      if (this.#spellings[i]?.charCodeAt(length) !== code) alive &= ~(1 << i);
    }
    this.#alive = alive;
    return alive !== 0;
  }

  /** Puts the bytes of earlier chunks back before those of this one. */
  #release(): void {
    this.#pieces.push(...this.#carried);
    this.#carried = [];
  }

  /** Puts the replacement in the place of the origin; the bytes after it stay as they are spelled. */
  #replace(chunk: Buffer): void {
    const carried = Buffer.concat(this.#carried);
    this.#carried = [];
    this.#pieces.push(chunk.subarray(this.#copied, this.#heldAt), this.#replacement);
    if (carried.length > this.#matchedBytes) this.#pieces.push(carried.subarray(this.#matchedBytes));
    this.#copied = this.#heldAt + Math.max(0, this.#matchedBytes - carried.length);
    this.hits += 1;
  }
}

/** Where a string's plain text ends: at a quote, a backslash, a control or the chunk's end. */
function endOfPlain(chunk: Buffer, start: number): number {
  let at = start;
  while (at < chunk.length) {
    const byte = chunk[at] as number;
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c) break;
    at += 1;
  }
  return at;
}

/** Whether a character ends the authority of a URL: "/", "?", "#" or the closing quote. */
function isOriginEnd(code: number): boolean {
  return code === STRING_ENDED || code === 0x2f || code === 0x3f || code === 0x23;
}
