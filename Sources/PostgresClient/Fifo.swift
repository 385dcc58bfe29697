/// First in, first out, in amortised constant time.
struct Fifo<Element>: Sequence {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        head += 1
        if head * 2 >= elements.count { sweep() }
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        sweep()
        elements.removeAll(where: isUnwanted)
    }

    func makeIterator() -> ArraySlice<Element>.Iterator { elements[head...].makeIterator() }

    private mutating func sweep() {
        elements.removeFirst(head)
        head = 0
    }
}
