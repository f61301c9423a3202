//! What the types of this module have in common, method for method, as in std.

/// The methods of every socket, and its conversions. The second type is std's.
macro_rules! socket_type {
    ($name:ident, $std:ty, $address:ty) => {
        impl $name {
            fn from_nonblocking(inner: $std) -> $name {
                $name($crate::net::socket::Socket::new(inner))
            }

            /// The address of this side.
            ///
            /// # Errors
            /// What the system says.
            pub fn local_addr(&self) -> std::io::Result<$address> {
                self.0.get().local_addr()
            }

            /// Another handle of the same socket, with the same settings. Each handle has its own `close` and waits.
            ///
            /// # Errors
            /// If there are too many descriptors.
            pub fn try_clone(&self) -> std::io::Result<$name> {
                self.0.try_clone(<$std>::try_clone).map($name)
            }

            /// The error that is pending on the socket, which is cleared.
            ///
            /// # Errors
            /// What the system says.
            pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
                self.0.get().take_error()
            }

            /// Whether operations give `WouldBlock` instead of waiting.
            ///
            /// # Errors
            /// None; std's signature has a result.
            pub fn set_nonblocking(&self, nonblocking: bool) -> std::io::Result<()> {
                self.0.set_nonblocking(nonblocking);
                Ok(())
            }

            /// End the use of the socket, as Go's `Close`: whoever waits on this handle is woken, and all operations
            /// give an error that [`is_closed`](crate::net::is_closed) tells. The descriptor is closed when the
            /// handle is dropped.
            #[doc(alias = "Close")]
            pub fn close(&self) {
                self.0.close();
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.get().fmt(f)
            }
        }

        impl std::os::fd::AsFd for $name {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.get().as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.0.get().as_raw_fd()
            }
        }

        /// The descriptor is blocking afterwards, unless it was set otherwise.
        impl From<$name> for $std {
            fn from(socket: $name) -> $std {
                let nonblocking = socket.0.is_nonblocking();
                let inner = socket.0.into_inner();
                inner.set_nonblocking(nonblocking).expect("a socket can be made blocking");
                inner
            }
        }

        /// The descriptor is non-blocking from now on, whoever else has it.
        impl From<$std> for $name {
            fn from(inner: $std) -> $name {
                inner.set_nonblocking(true).expect("a socket can be made non-blocking");
                $name::from_nonblocking(inner)
            }
        }

        impl From<$name> for std::os::fd::OwnedFd {
            fn from(socket: $name) -> std::os::fd::OwnedFd {
                <$std>::from(socket).into()
            }
        }

        impl From<std::os::fd::OwnedFd> for $name {
            fn from(fd: std::os::fd::OwnedFd) -> $name {
                $name::from(<$std>::from(fd))
            }
        }

        impl std::os::fd::IntoRawFd for $name {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                std::os::fd::OwnedFd::from(self).into_raw_fd()
            }
        }

        impl std::os::fd::FromRawFd for $name {
            unsafe fn from_raw_fd(fd: std::os::fd::RawFd) -> $name {
                // SAFETY: the caller vouches for the same.
                $name::from(unsafe { <$std as std::os::fd::FromRawFd>::from_raw_fd(fd) })
            }
        }
    };
}

/// Timeouts of what reads and writes.
macro_rules! timeouts {
    ($name:ident) => {
        impl $name {
            /// How long a read may wait; none for ever. It then gives `WouldBlock`, as std's on Unix.
            ///
            /// # Errors
            /// If the timeout is zero.
            pub fn set_read_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
                self.0.set_timeout($crate::port::wait::Direction::Read, timeout)
            }

            /// How long a write may wait; none for ever. It then gives `WouldBlock`, as std's on Unix.
            ///
            /// # Errors
            /// If the timeout is zero.
            pub fn set_write_timeout(&self, timeout: Option<std::time::Duration>) -> std::io::Result<()> {
                self.0.set_timeout($crate::port::wait::Direction::Write, timeout)
            }

            /// How long a read may wait.
            ///
            /// # Errors
            /// None; std's signature has a result.
            pub fn read_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
                Ok(self.0.timeout($crate::port::wait::Direction::Read))
            }

            /// How long a write may wait.
            ///
            /// # Errors
            /// None; std's signature has a result.
            pub fn write_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
                Ok(self.0.timeout($crate::port::wait::Direction::Write))
            }
        }
    };
}

/// Reading and writing a stream, by value and by reference.
macro_rules! stream {
    ($name:ident, $std:ty) => {
        impl std::io::Read for &$name {
            #[track_caller]
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let site = std::panic::Location::caller();
                self.0.read_stream(buffer.len(), site, |mut inner: &$std| {
                    std::io::Read::read(&mut inner, buffer)
                })
            }

            #[track_caller]
            fn read_vectored(&mut self, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                let site = std::panic::Location::caller();
                let size = buffers.iter().map(|buffer| buffer.len()).sum();
                self.0.read_stream(size, site, |mut inner: &$std| {
                    std::io::Read::read_vectored(&mut inner, buffers)
                })
            }
        }

        impl std::io::Write for &$name {
            #[track_caller]
            fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
                let site = std::panic::Location::caller();
                self.0
                    .run(Direction::Write, site, |mut inner: &$std| std::io::Write::write(&mut inner, buffer))
            }

            #[track_caller]
            fn write_vectored(&mut self, buffers: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                let site = std::panic::Location::caller();
                self.0.run(Direction::Write, site, |mut inner: &$std| {
                    std::io::Write::write_vectored(&mut inner, buffers)
                })
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl std::io::Read for $name {
            #[track_caller]
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                (&*self).read(buffer)
            }

            #[track_caller]
            fn read_vectored(&mut self, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
                (&*self).read_vectored(buffers)
            }
        }

        impl std::io::Write for $name {
            #[track_caller]
            fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
                (&*self).write(buffer)
            }

            #[track_caller]
            fn write_vectored(&mut self, buffers: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
                (&*self).write_vectored(buffers)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}

/// A setting of the system's: a method that only passes on.
macro_rules! settings {
    ($name:ident: $($(#[$doc:meta])* $method:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl $name {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// What the system says.
                pub fn $method(&self, $($argument: $type),*) -> std::io::Result<$result> {
                    self.0.get().$method($($argument),*)
                }
            )*
        }
    };
}

pub(super) use {settings, socket_type, stream, timeouts};
